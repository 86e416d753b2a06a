#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "mml/base.h"

Test(status, fail_returns_its_code_and_keeps_the_message) {
    cr_assert_eq(mml_fail(MML_EDATA, "%s: row %d is short", "a.csv", 7), MML_EDATA);
    cr_assert_str_eq(mml_message(), "a.csv: row 7 is short");
}

Test(status, message_is_empty_before_any_failure) { cr_assert_str_eq(mml_message(), ""); }

Test(status, context_goes_before_the_message) {
    mml_fail(MML_EIO, "disk full");
    cr_assert_eq(mml_context(MML_EIO, "checkpoint %d", 3), MML_EIO);
    cr_assert_str_eq(mml_message(), "checkpoint 3: disk full");
}

Test(status, a_message_may_quote_the_one_before) {
    mml_fail(MML_EDATA, "inner");
    mml_fail(MML_EDATA, "outer (%s)", mml_message());
    cr_assert_str_eq(mml_message(), "outer (inner)");
}

Test(status, long_messages_are_cut_and_stay_strings) {
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    mml_fail(MML_EDATA, "%s", text);
    size_t length = strlen(mml_message());
    cr_assert(length > 500 && length < 3000);
    mml_context(MML_EDATA, "%s", text);
    mml_context(MML_EDATA, "file");
    cr_assert_eq(strncmp(mml_message(), "file: xxx", 9), 0);
    cr_assert_eq(strlen(mml_message()), length);
}

static void *fail_elsewhere(void *unused) {
    mml_fail(MML_EDATA, "elsewhere");
    return NULL;
}

Test(status, each_thread_has_its_own_message) {
    mml_fail(MML_EDATA, "here");
    pthread_t other;
    pthread_create(&other, NULL, fail_elsewhere, NULL);
    pthread_join(other, NULL);
    cr_assert_str_eq(mml_message(), "here");
}

Test(status, exit_codes_are_those_of_the_command_line) {
    static const struct { Status status; int code; } rows[] = {
        {MML_OK, 0}, {MML_EINPUT, 3}, {MML_EDATA, 3}, {MML_EIO, 3}, {MML_ENOMEM, 3},
        {MML_ENUMERIC, 1}, {MML_ECALL, 2}, {MML_EINTERRUPT, 130}, {MML_EBUG, 70},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cr_assert_eq(mml_exit_code(rows[i].status), rows[i].code);
}
