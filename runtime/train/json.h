/* Writes JSON into a growing buffer; commas come by themselves.
 *
 * Reals are the shortest digits that read back to the same double; NaN and
 * infinity, which JSON lacks, become null. Out of memory is remembered and
 * told by mml_json_status.
 */
#ifndef TRAIN_JSON_H
#define TRAIN_JSON_H

#include "mml/base.h"

typedef struct {
    char  *text;              /* malloc'd, ends with a 0      */
    size_t used, size;
    int    comma;             /* a comma goes before the next */
    int    depth;
    int    lines;             /* members of objects down to this depth go on lines of their own */
    int    failed;
} MmlJson;

void mml_json_free(MmlJson *json);
void mml_json_clear(MmlJson *json);

void mml_json_open(MmlJson *json, char bracket);          /* '{' or '[' */
void mml_json_close(MmlJson *json, char bracket);         /* '}' or ']' */
void mml_json_key(MmlJson *json, const char *key);
void mml_json_text(MmlJson *json, const char *value);     /* NULL: null; bytes that are no UTF-8 become U+FFFD */
void mml_json_int(MmlJson *json, i64 value);
void mml_json_real(MmlJson *json, double value);
void mml_json_digits(MmlJson *json, const char *digits);  /* a number as it is written in JSON */
void mml_json_seconds(MmlJson *json, double value);       /* to the microsecond */
void mml_json_bool(MmlJson *json, int value);
void mml_json_newline(MmlJson *json);                     /* behind a complete value */
Status mml_json_status(const MmlJson *json);

/* A double as its shortest exact decimal; text has room for 32 bytes. inf, -inf, nan. */
void mml_shortest(double value, char text[32]);

/* Length of the UTF-8 sequence (RFC 3629) at text, 0 when there is none. */
int mml_utf8_length(const char *text);

#endif
