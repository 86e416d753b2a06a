/* The trainer's command line. */
#define _GNU_SOURCE
#include "toy.h"

#include "train/nearest.h"
#include "train/options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MmlArena *arena;
static MmlSettings settings;
static MmlCall call;

static void open_settings(void) {
    arena = mml_arena_new();
    cr_assert_eq(mml_settings_new(arena, toy(), &settings), MML_OK);
}

static void close_settings(void) { mml_arena_free(arena); }

TestSuite(options, .init = open_settings, .fini = close_settings);

static Status parse(int count, char **words) {
    char *argv[32] = {"./toy"};
    for (int i = 0; i < count; i++) argv[i + 1] = words[i];
    return mml_options_parse(count + 1, argv, &settings, &call);
}

#define PARSE(...) parse(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), (char *[]){__VA_ARGS__})

static void expect_refused(Status status, const char *part) {
    cr_assert_eq(status, MML_ECALL, "it is taken");
    cr_assert(strstr(mml_message(), part), "no '%s' in: %s", part, mml_message());
}

Test(options, values_follow_or_are_joined_by_an_equals_sign) {
    cr_assert_eq(PARSE("--root", "x", "--tau=3", "--threads=2", "--out", "o", "--set", "train.joint.epochs=4", "--seed=7"),
                 MML_OK, "%s", mml_message());
    cr_assert_eq(call.threads, 2);
    cr_assert_str_eq(call.out, "o");
    cr_assert_eq(mml_real(&settings, "tau"), 3);
    cr_assert_eq(mml_int(&settings, "train.joint.epochs"), 4);
    cr_assert_eq(mml_int(&settings, "train.seed"), 7);
}

Test(options, the_last_of_two_counts) {
    cr_assert_eq(PARSE("--tau", "3", "--tau", "4"), MML_OK);
    cr_assert_eq(mml_real(&settings, "tau"), 4);
}

Test(options, a_bool_param_may_stand_alone) {
    cr_assert_eq(PARSE("--loud", "--quiet"), MML_OK);
    cr_assert_eq(mml_int(&settings, "loud"), 1);
    cr_assert_eq(PARSE("--loud", "false"), MML_OK);
    cr_assert_eq(mml_int(&settings, "loud"), 0);
}

Test(options, unknown_names_get_the_nearest) {
    expect_refused(PARSE("--sead", "3"), "did you mean --seed?");
    expect_refused(PARSE("--epoch", "3"), "did you mean --epochs?");
    expect_refused(PARSE("--elephant", "3"), "unknown option --elephant; --help");
    expect_refused(PARSE("--set", "train.joint.epoch=3"), "did you mean 'train.joint.epochs'?");
    expect_refused(PARSE("--set", "nothing.like.it=3"), "mmlc check --explain toy.mml");
    expect_refused(PARSE("--set", "train.joint.method=uniform()"), "mmlc --set 'train.joint.method=uniform()' toy.mml");
    expect_refused(PARSE("--set", "train.optimizer.clip=1"), "mmlc --set train.optimizer.clip=1 toy.mml");
    expect_refused(PARSE("file.csv"), "'file.csv' is not an option");
}

Test(options, wrong_values_are_refused_by_name) {
    expect_refused(PARSE("--threads", "0"), "--threads");
    expect_refused(PARSE("--threads", "two"), "--threads: 'two'");
    expect_refused(PARSE("--seed", "-1"), "train.seed");
    expect_refused(PARSE("--out"), "--out needs a value");
    expect_refused(PARSE("--tau"), "--tau needs a value (real)");
    expect_refused(PARSE("--quiet=1"), "--quiet takes no value");
    expect_refused(PARSE("--set", "tau"), "PATH=VALUE");
    expect_refused(PARSE("--device", "cuda"), "no CUDA");
    expect_refused(PARSE("--device", "tpu"), "'tpu' is neither cpu nor cuda");
    expect_refused(PARSE("--kernels", "slow"), "'slow' is neither fast nor reference");
    expect_refused(PARSE("--sweep", "tau=1,2", "--check"), "leave out --check");
    expect_refused(PARSE("--jobs", "2"), "--sweep");
    expect_refused(PARSE("--until", "nowhere"), "no stage 'nowhere'");
    expect_refused(PARSE("--half", "10"), "mmlc -D half=10 toy.mml");
}

Test(options, those_that_exclude_each_other_say_so) {
    expect_refused(PARSE("--resume", "r", "--out", "o"), "exclude each other");
    expect_refused(PARSE("--eval", "f", "--out", "o"), "exclude each other");
    expect_refused(PARSE("--check", "--out", "o"), "writes nothing");
    expect_refused(PARSE("--cache-limit", "1 GiB"), "needs --cache");
}

Test(options, those_without_effect_here_are_accepted) {
    cr_assert_eq(PARSE("--device", "cpu", "--kernels", "reference", "--cache", "c", "--cache-limit", "2 GiB"), MML_OK, "%s",
                 mml_message());
    cr_assert_eq(call.cache_limit, (i64)2 << 30);
}

Test(options, help_has_a_line_for_each_with_type_range_and_default) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(mml_options_help(stream, toy(), "./toy", arena), MML_OK);
    fclose(stream);
    static const char *const parts[] = {
        "--root VALUE", "folder with a.csv and b.csv; path (required)", "--tau VALUE", "uniqueness ratio; real, at least 1 (default: 1)",
        "epochs, at least 0 epochs (default: 2 epochs)", "epochs[modalities]", "fixed when compiling", "--set PATH=VALUE", "--seed N", "--threads N", "--device DEVICE",
        "--out DIR", "--resume DIR", "--eval FILE", "--init FILE", "--predict FILE", "--check", "--overfit-batch", "--quiet", "--json", "--cache DIR",
        "--cache-limit SIZE", "--kernels NAME", "--until STAGE", "--sweep PATH=LIST", "--jobs N", "--help", "--version", NULL};
    for (int i = 0; parts[i]; i++) cr_assert(strstr(text, parts[i]), "no '%s' in:\n%s", parts[i], text);
    free(text);
}

Test(options, help_and_version_need_nothing_else) {
    const char *folder = toy_folder();
    cr_assert_eq(toy_run(folder, "--help", NULL), 0);
    toy_expect_in(folder, "out", "Usage: ./toy");
    cr_assert_eq(toy_run(folder, "--version", NULL), 0);
    toy_expect_in(folder, "out", "0123abcd");
    toy_remove(folder);
}

Test(options, nearest_swaps_and_typos_but_not_strangers) {
    MmlNearest nearest = mml_nearest("trheads");
    mml_nearest_offer(&nearest, "seed");
    mml_nearest_offer(&nearest, "threads");
    cr_assert_str_eq(nearest.best, "threads");
    nearest = mml_nearest("xyz");
    mml_nearest_offer(&nearest, "seed");
    cr_assert_null(nearest.best);
}
