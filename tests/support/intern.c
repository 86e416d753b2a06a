#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "support/intern.h"

Test(intern, gives_equal_names_one_pointer) {
    Arena *arena = arena_new();
    Interner *names = interner_new(arena);
    Name tau = intern(names, "tau = 3", 3);
    cr_assert_str_eq(tau, "tau");
    cr_assert_eq(tau, intern_text(names, "tau"));
    cr_assert_neq(tau, intern_text(names, "ta"));
    cr_assert_neq(tau, intern_text(names, "tau2"));
    cr_assert_eq(intern_text(names, ""), intern(names, "x", 0));
    arena_free(arena);
}

Test(intern, keeps_pointers_while_it_grows) {
    Arena *arena = arena_new();
    Interner *names = interner_new(arena);
    Name first[5000];
    char text[16];
    for (int i = 0; i < 5000; i++) first[i] = intern(names, text, (size_t)snprintf(text, sizeof text, "n%d", i));
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "n%d", i);
        cr_assert_eq(intern_text(names, text), first[i]);
        cr_assert_str_eq(first[i], text);
    }
    arena_free(arena);
}

static const char *const words[] = {"epochs", "batch", "optimizer", "schedule", "lr", "seed"};
#define NEAREST(name) nearest_name((name), words, 6)

Test(nearest_name, finds_what_was_meant) {
    cr_assert_str_eq(NEAREST("epoch"), "epochs");             /* a letter missing       */
    cr_assert_str_eq(NEAREST("bacth"), "batch");              /* two neighbours swapped */
    cr_assert_str_eq(NEAREST("optimiser"), "optimizer");      /* another letter         */
    cr_assert_str_eq(NEAREST("shedulle"), "schedule");        /* two edits of eight     */
    cr_assert_str_eq(NEAREST("SEED"), "seed");                /* case alone             */
    cr_assert_str_eq(NEAREST("seed"), "seed");
}

Test(nearest_name, finds_nothing_far_away) {
    cr_assert_null(NEAREST("momentum"));
    cr_assert_null(NEAREST("bxxch"));                         /* two edits of five      */
    cr_assert_null(NEAREST(""));
    char text[100];
    memset(text, 'a', sizeof text - 1);
    text[99] = 0;
    cr_assert_null(NEAREST(text));
}

Test(nearest_name, takes_the_first_of_equals) {
    const char *const ties[] = {"mode", "node"};
    cr_assert_str_eq(nearest_name("code", ties, 2), "mode");
}
