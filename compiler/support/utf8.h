/* Code points in UTF-8 (RFC 3629). */
#ifndef SUPPORT_UTF8_H
#define SUPPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at text[0 … length), length > 0, and its number of bytes; -1 and
 * 1 where it isn't UTF-8 (overlong forms and surrogates aren't). */
int32_t utf8_decode(const char *text, size_t length, int *bytes);

/* Writes value (0 to 0x10FFFF) and returns the number of bytes, 1 to 4. */
int utf8_encode(int32_t value, char out[4]);

/* Columns that a terminal gives it: 0, 1 or 2. */
int utf8_columns(int32_t value);

#endif
