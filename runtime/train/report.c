#include "train/report.h"

#include "train/files.h"
#include "train/page.h"
#include "train/report_page.h"

static void find_parts(Report *r) {
    const json_t *stages = json_object_get(r->run.summary, "stages");
    double from = 0;
    for (size_t i = 0; i < json_array_size(stages) && r->part_count < MML_REPORT_PARTS; i++) {
        const json_t *stage = json_array_get(stages, i);
        double epochs = mml_json_number(stage, "epochs", NULL);
        if (!(epochs > 0)) continue;
        r->parts[r->part_count++] = (ChartPart){from, from + epochs, mml_report_string(stage, "name")};
        from += epochs;
    }
}

static void (*const sections[])(Report *) = {
    mml_report_head, mml_report_accuracy, mml_report_active, mml_report_probes,
    mml_report_confusion, mml_report_times, mml_report_settings,
};

static void write_page(FILE *page, const void *content) {
    Report r = *(const Report *)content;
    r.page = page;
    mml_page_begin(page, mml_report_string(r.run.run, "experiment"));
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) sections[i](&r);
    mml_page_end(page);
}

Status mml_report_write(const char *folder) {
    Report r = {0};
    MML_TRY(mml_report_run_read(folder, &r.run));
    find_parts(&r);
    Status status = mml_write_file(folder, "report.html", write_page, &r);
    mml_report_run_free(&r.run);
    return status;
}
