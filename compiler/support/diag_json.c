#include <string.h>

#include "support/diag_records.h"
#include "support/utf8.h"

/* A JSON string; bytes that aren't UTF-8 become U+FFFD. */
static void put_string(FILE *out, const char *text) {
    size_t length = strlen(text);
    fputc('"', out);
    for (size_t i = 0; i < length;) {
        int     bytes;
        int32_t value = utf8_decode(text + i, length - i, &bytes);
        if (value < 0) fputs("\\ufffd", out);
        else if (value == '"' || value == '\\') fprintf(out, "\\%c", (char)value);
        else if (value == '\n') fputs("\\n", out);
        else if (value < 0x20 || value == 0x7F) fprintf(out, "\\u%04x", (unsigned)value);
        else fwrite(text + i, 1, (size_t)bytes, out);
        i += (size_t)bytes;
    }
    fputc('"', out);
}

static void put_span(FILE *out, Span span) {
    if (!span.source) {
        fputs("\"file\": null", out);
        return;
    }
    int line, column, end_line, end_column;
    source_position(span.source, span.begin, &line, &column);
    source_position(span.source, span.end, &end_line, &end_column);
    fputs("\"file\": ", out);
    put_string(out, span.source->path);
    fprintf(out, ", \"line\": %d, \"column\": %d, \"end_line\": %d, \"end_column\": %d, \"begin\": %u, \"end\": %u",
            line, column, end_line, end_column, (unsigned)span.begin, (unsigned)span.end);
}

static void put_remarks(FILE *out, const Diagnostic *diagnostic, int help) {
    const char *separator = "";
    for (const Remark *remark = diagnostic->remarks; remark; remark = remark->next) {
        if (remark->help != help) continue;
        fputs(separator, out);
        separator = ", ";
        if (help) {
            put_string(out, remark->text);
        } else {
            fputs("{\"message\": ", out);
            put_string(out, remark->text);
            fputs(", ", out);
            put_span(out, remark->span);
            fputc('}', out);
        }
    }
}

void diag_write_json(const Diagnostic *const *sorted, int count, FILE *out) {
    for (int i = 0; i < count; i++) {
        fprintf(out, "{\"severity\": \"%s\", \"code\": \"%s\", \"message\": ",
                diagnostic_severity(sorted[i]), diag_code_text(sorted[i]->code));
        put_string(out, sorted[i]->text);
        fputs(", ", out);
        put_span(out, sorted[i]->span);
        fputs(", \"notes\": [", out);
        put_remarks(out, sorted[i], 0);
        fputs("], \"help\": [", out);
        put_remarks(out, sorted[i], 1);
        fputs("]}\n", out);
    }
}
