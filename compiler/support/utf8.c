#include "support/utf8.h"

int32_t utf8_decode(const char *text, size_t length, int *bytes) {
    const unsigned char *p = (const unsigned char *)text;
    *bytes = 1;
    if (p[0] < 0x80) return p[0];
    int     size  = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    int32_t value = p[0] & (0xFF >> (size + 1));
    if (p[0] < 0xC2 || p[0] > 0xF4 || (size_t)size > length) return -1;
    for (int i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80) return -1;
        value = value << 6 | (p[i] & 0x3F);
    }
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return -1;
    *bytes = size;
    return value;
}

int utf8_encode(int32_t value, char out[4]) {
    if (value < 0x80) return out[0] = (char)value, 1;
    int size = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    for (int i = size - 1; i > 0; i--, value >>= 6) out[i] = (char)(0x80 | (value & 0x3F));
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[size] | value);
    return size;
}

/* Blocks shown two columns wide (East Asian wide and fullwidth, pictographs) and none (combining marks). */
static const struct { int32_t first, last; int columns; } widths[] = {
    {0x0300, 0x036F, 0}, {0x1100, 0x115F, 2}, {0x200B, 0x200F, 0}, {0x20D0, 0x20FF, 0},
    {0x2E80, 0x303E, 2}, {0x3041, 0xA4CF, 2}, {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 2}, {0xFE00, 0xFE0F, 0},
    {0xFE30, 0xFE6F, 2}, {0xFF00, 0xFF60, 2}, {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1F64F, 2}, {0x1F900, 0x1F9FF, 2},
    {0x20000, 0x3FFFD, 2},
};

int utf8_columns(int32_t value) {
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (value >= widths[i].first && value <= widths[i].last) return widths[i].columns;
    return 1;
}
