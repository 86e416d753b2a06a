#include <criterion/criterion.h>
#include <string.h>
#include "support/utf8.h"

Test(utf8, writes_and_reads_every_code_point) {
    for (int32_t value = 1; value <= 0x10FFFF; value++) {
        if (value == 0xD800) value = 0xE000;
        char text[4];
        int  bytes, size = utf8_encode(value, text);
        cr_assert_eq(utf8_decode(text, (size_t)size, &bytes), value);
        cr_assert_eq(bytes, size);
        if (size > 1) cr_assert_eq(utf8_decode(text, (size_t)size - 1, &bytes), -1, "%x cut short", (unsigned)value);
    }
}

Test(utf8, knows_what_is_none) {
    static const char *const wrong[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3\x28", "\xFF"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int bytes;
        cr_expect_eq(utf8_decode(wrong[i], strlen(wrong[i]), &bytes), -1, "case %zu", i);
        cr_expect_eq(bytes, 1);
    }
}

Test(utf8, knows_how_wide_it_is_shown) {
    cr_assert_eq(utf8_columns('a'), 1);
    cr_assert_eq(utf8_columns(0xE9), 1);
    cr_assert_eq(utf8_columns(0x65E5), 2);
    cr_assert_eq(utf8_columns(0x301), 0);
}
