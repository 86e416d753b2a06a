#include "train/csv.h"

#include <math.h>
#include <string.h>
#include "train/json.h"

void mml_csv_text(FILE *out, const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void mml_csv_number(FILE *out, double value) {
    char text[32];
    if (!isfinite(value)) return;
    mml_shortest(value, text);
    fputs(text, out);
}
