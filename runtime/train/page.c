#include "train/page.h"

#include "train/report_chart.h"
#include "train/report_style.h"

void mml_page_begin(FILE *page, const char *title) {
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>", page);
    mml_chart_text(page, title);
    fprintf(page, "</title><style>%s</style></head>\n<body>\n", report_style);
}

void mml_page_end(FILE *page) { fputs("</body></html>\n", page); }
