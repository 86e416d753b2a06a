/* CSV texts of any bytes, the last column a label: rows come out rectangular and finite,
 * class names are numbered, or one message does; and as a table of texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/csv_cells.h"
#include "data/csv_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static Status last_column(const void *context, const CsvTable *table, i64 *out) {
    *out = table->columns - 1;
    return MML_OK;
}

static Status check_row(void *context, const CsvTable *table, const double *cells) {
    const CsvClasses *classes = context;
    for (i64 i = 0; i < table->columns; i++)
        if (!isfinite((float)cells[i])) abort();
    if (!table->named) return MML_OK;
    double number = cells[table->label];
    if (number < 0 || number >= (double)classes->count || !classes->names[(i64)number][0]) abort();
    return MML_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count < 1) return 0;
    int header = bytes[0] & 1;
    char *text = malloc(count);          /* the first byte gone, a zero byte at the end */
    if (!text) return 0;
    memcpy(text, bytes + 1, count - 1);
    text[count - 1] = 0;
    MmlArena *arena = mml_arena_new();
    CsvTable table;
    CsvClasses classes = { 0 };
    CsvLabel label = { last_column, NULL, &classes };
    CsvSink sink = { check_row, &classes };
    if (arena && mml_csv_parse("input", text, (i64)count - 1, header, bytes[0] & 2 ? &label : NULL, &sink, arena, &table) == MML_OK) {
        if (table.rows < 1 || table.columns < 1 || (header != 0) != (table.names != NULL)) abort();
        for (i64 i = 0; i < table.rows; i++)
            if (table.lines[i] < 1 || (i && table.lines[i] <= table.lines[i - 1])) abort();
        free(table.lines);
    } else if (!*mml_message()) {
        abort();
    }
    CsvTexts texts;
    if (arena && mml_csv_texts("input", text, (i64)count - 1, header, arena, &texts) == MML_OK) {
        if (texts.rows < 1 || texts.columns < 1 || (header != 0) != (texts.names != NULL)) abort();
        for (i64 i = 0; i < texts.rows * texts.columns; i++)
            if (strlen(texts.cells[i]) >= count) abort();
        if (header && mml_csv_column(&texts, texts.names[texts.columns - 1]) < 0) abort();
    } else if (!*mml_message()) {
        abort();
    }
    mml_arena_free(arena);
    free(text);
    return 0;
}
