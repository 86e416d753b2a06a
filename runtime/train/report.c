#define _GNU_SOURCE
#include "train/report.h"

#include "train/files.h"
#include "train/report_page.h"
#include "train/report_style.h"

#include <stdlib.h>

static void find_parts(Report *r) {
    const json_t *stages = json_object_get(r->run.summary, "stages");
    double from = 0;
    for (size_t i = 0; i < json_array_size(stages) && r->part_count < MML_REPORT_PARTS; i++) {
        const json_t *stage = json_array_get(stages, i);
        double epochs = mml_report_number(stage, "epochs", NULL);
        if (!(epochs > 0)) continue;
        r->parts[r->part_count++] = (ChartPart){from, from + epochs, mml_report_string(stage, "name")};
        from += epochs;
    }
}

static void (*const sections[])(Report *) = {
    mml_report_head, mml_report_accuracy, mml_report_active, mml_report_probes,
    mml_report_confusion, mml_report_times, mml_report_settings,
};

static void write_page(Report *r) {
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>", r->page);
    mml_chart_text(r->page, mml_report_string(r->run.run, "experiment"));
    fprintf(r->page, "</title><style>%s</style></head>\n<body>\n", report_style);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) sections[i](r);
    fputs("</body></html>\n", r->page);
}

Status mml_report_write(const char *folder) {
    Report r = {0};
    MML_TRY(mml_report_run_read(folder, &r.run));
    char *text = NULL, *path = NULL;
    size_t size = 0;
    Status status = MML_OK;
    find_parts(&r);
    r.page = open_memstream(&text, &size);
    if (r.page) {
        write_page(&r);
        if (fclose(r.page) != 0) status = mml_fail(MML_ENOMEM, "out of memory for report.html");
    }
    if (!r.page || asprintf(&path, "%s/report.html", folder) < 0) status = mml_fail(MML_ENOMEM, "out of memory for report.html");
    if (status == MML_OK) status = mml_replace_file(path, text, size);
    if (r.page) free(text);
    free(path);
    mml_report_run_free(&r.run);
    return status;
}
