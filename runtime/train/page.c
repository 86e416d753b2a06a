#define _GNU_SOURCE
#include "train/page.h"

#include "train/files.h"
#include "train/report_chart.h"
#include "train/report_style.h"

#include <stdlib.h>

void mml_page_begin(FILE *page, const char *title) {
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>", page);
    mml_chart_text(page, title);
    fprintf(page, "</title><style>%s</style></head>\n<body>\n", report_style);
}

void mml_page_end(FILE *page) { fputs("</body></html>\n", page); }

Status mml_page_write(const char *folder, const char *name, MmlPageWriter write, const void *content) {
    char *text = NULL, *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    Status status = out ? MML_OK : mml_fail(MML_ENOMEM, "out of memory for %s", name);
    if (out) {
        write(out, content);
        if (fclose(out) != 0) status = mml_fail(MML_ENOMEM, "out of memory for %s", name);
    }
    if (status == MML_OK && asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        status = mml_fail(MML_ENOMEM, "out of memory for %s", name);
    }
    if (status == MML_OK) status = mml_replace_file(path, text, size);
    free(text);
    free(path);
    return status;
}
