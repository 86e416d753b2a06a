/* Settings: parsing, ranges, reading back; texts and rule actions. */
#include "toy.h"

#include "mml/nn.h"
#include "mml/settings.h"
#include "train/rule_actions.h"
#include "train/settings_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static MmlArena *arena;
static MmlSettings settings;

static void open_settings(void) {
    arena = mml_arena_new();
    cr_assert_eq(mml_settings_new(arena, toy(), &settings), MML_OK);
}

static void close_settings(void) { mml_arena_free(arena); }

TestSuite(settings, .init = open_settings, .fini = close_settings);

static Status give(const char *path, const char *text) {
    const MmlSetting *setting = mml_setting_find(settings.experiment, path);
    cr_assert(setting, "no setting %s", path);
    return mml_setting_give(&settings, setting, text);
}

static void expect_message(const char *part) { cr_assert(strstr(mml_message(), part), "no '%s' in: %s", part, mml_message()); }

Test(settings, derived_values_follow_what_is_given) {
    cr_assert_eq(give("root", "/data"), MML_OK);
    cr_assert_eq(give("epochs", "7"), MML_OK);
    cr_assert_eq(mml_settings_finish(&settings), MML_OK);
    cr_assert_eq(mml_int(&settings, "%s.epochs", "train.unimodal"), 14);
    cr_assert_eq(mml_int(&settings, "train.joint.epochs"), 7);
    cr_assert_str_eq(mml_string(&settings, "data.rows.file1"), "/data/a.csv");
}

Test(settings, a_given_property_stays_as_given) {
    give("root", "x");
    give("epochs", "7 epochs");
    give("train.unimodal.epochs", "3");
    cr_assert_eq(mml_settings_finish(&settings), MML_OK);
    cr_assert_eq(mml_int(&settings, "train.unimodal.epochs"), 3);
}

Test(settings, every_missing_param_is_named) {
    cr_assert_eq(mml_settings_finish(&settings), MML_ECALL);
    expect_message("--root path");
}

Test(settings, values_for_each_modality) {
    cr_assert_eq(give("names", "b=5, a=100"), MML_OK);
    i64 slot = mml_setting_find(settings.experiment, "names")->slot;
    cr_assert_eq(settings.values[slot].i, 100);
    cr_assert_eq(settings.values[slot + 1].i, 5);
    cr_assert_eq(give("names", "each(a = 1 epochs, b = 2)"), MML_OK);
    cr_assert_eq(settings.values[slot + 1].i, 2);
    cr_assert_eq(give("names", "9"), MML_OK);
    cr_assert(settings.values[slot].i == 9 && settings.values[slot + 1].i == 9, "one value is meant for all");
    cr_assert_eq(give("names", "a=1"), MML_ECALL);
    expect_message("no value for modality b");
    cr_assert_eq(give("names", "a=1,c=2"), MML_ECALL);
    expect_message("names");
}

Test(settings, lists_take_as_many_as_the_program_has_room_for) {
    i64 slot = mml_setting_find(settings.experiment, "train.joint.save")->slot;
    cr_assert_eq(give("train.joint.save", "[3, 5] epochs"), MML_OK);
    cr_assert(settings.values[slot].i == 2 && settings.values[slot + 1].i == 3 && settings.values[slot + 2].i == 5);
    cr_assert_eq(give("train.joint.save", "4"), MML_OK);
    cr_assert(settings.values[slot].i == 1 && settings.values[slot + 1].i == 4);
    cr_assert_eq(give("train.joint.save", "[]"), MML_OK);
    cr_assert_eq(settings.values[slot].i, 0);
    cr_assert_eq(give("train.joint.save", "1,2,3"), MML_ECALL);
    expect_message("mmlc --set train.joint.save=1,2,3 toy.mml");
}

Test(settings, a_fixed_one_names_the_call_of_mmlc) {
    cr_assert_eq(give("half", "10"), MML_ECALL);
    expect_message("mmlc -D half=10 toy.mml");
    cr_assert_eq(give("train.unimodal.optimizer", "adam"), MML_ECALL);
    expect_message("mmlc --set train.unimodal.optimizer=adam toy.mml");
    cr_assert_eq(give("train.unimodal.optimizer", "sgd(lr = 1) 'x"), MML_ECALL);
    expect_message("mmlc --set 'train.unimodal.optimizer=sgd(lr = 1) '\\''x' toy.mml");
}

Test(settings, ranges_are_checked_and_named) {
    cr_assert_eq(give("tau", "0.5"), MML_ECALL);
    expect_message("tau: 0.5 is out of range (at least 1; set by the command line)");
    cr_assert_eq(give("tau", "inf"), MML_OK);
    cr_assert_eq(give("train.unimodal.probe.samples", "0"), MML_ECALL);
    cr_assert_eq(give("train.unimodal.probe.samples", "all"), MML_OK);
    cr_assert_eq(mml_int(&settings, "train.unimodal.probe.samples"), -1);
}

Test(settings, words_are_read_and_others_refused_with_the_list) {
    cr_assert_eq(give("train.unimodal.probe.when", "after"), MML_OK);
    cr_assert_str_eq(mml_word(&settings, "train.unimodal.probe.when"), "after");
    cr_assert_eq(give("train.unimodal.probe.when", "late"), MML_ECALL);
    expect_message("before|after");
    cr_assert_eq(mml_has(&settings, "train.unimodal.probe.%s", "nothing"), 0);
}

/* ---- Each type: text -> value -> text ---- */

typedef struct { i64 type; const char *text; double value; const char *again; } Reading;

Test(settings, every_type_reads_its_units_and_writes_them_back) {
    static const Reading readings[] = {
        {MML_INT, "64", 64, "64"},           {MML_INT, "1_000", 1000, "1000"},      {MML_INT, "1e3", 1000, "1000"},
        {MML_REAL, "1e-3", 0.001, "0.001"},  {MML_REAL, "-inf", -INFINITY, "-inf"}, {MML_REAL, "0.1", 0.1, "0.1"},
        {MML_BOOL, "true", 1, "true"},       {MML_BOOL, "no", 0, "false"},          {MML_TIME, "250 ms", 0.25, "0.25 s"},
        {MML_TIME, "3", 3, "3 s"},           {MML_FREQUENCY, "16 kHz", 16000, "16000 Hz"},
        {MML_EPOCHS, "5", 5, "5 epochs"},    {MML_EPOCHS, "5 epochs", 5, "5 epochs"}, {MML_STEPS, "9steps", 9, "9 steps"},
        {MML_BYTES, "2 GiB", 2147483648.0, "2 GiB"}, {MML_BYTES, "1.5 KiB", 1536, "1536 B"},
        {MML_SHARE, "10 %", 0.1, "10 %"},    {MML_SHARE, "12.5", 0.125, "12.5 %"},  {MML_FPS, "1 fps", 1, "1 fps"},
        {MML_MODALITY, "b", 1, "b"},
    };
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const Reading *r = &readings[i];
        MmlSetting setting = {.path = "x", .type = r->type, .low = -INFINITY, .high = INFINITY};
        MmlValue value;
        cr_assert_eq(mml_value_parse(toy(), &setting, r->text, &value, arena), MML_OK, "%s", r->text);
        cr_assert_eq(mml_type_held(r->type) ? (double)value.i : value.r, r->value, "%s", r->text);
        cr_assert_str_eq(mml_value_text(toy(), &setting, value, arena), r->again);
    }
}

Test(settings, what_is_no_value_is_refused) {
    static const Reading wrong[] = {
        {MML_INT, "", 0, 0},       {MML_INT, "1.5", 0, 0},  {MML_INT, "twelve", 0, 0}, {MML_INT, "99999999999999999999", 0,
                0}, {MML_INT, "5 epochs", 0, 0},
        {MML_REAL, "nan", 0, 0}, {MML_REAL, "0x10", 0, 0}, {MML_TIME, "0x1p3 s", 0, 0},   {MML_REAL, "1 s", 0, 0}, {MML_EPOCHS, "5 s", 0, 0}, {MML_EPOCHS, "5 steps", 0,
                0},           {MML_BOOL, "2", 0, 0},
        {MML_TIME, "5 epochs", 0, 0}, {MML_MODALITY, "c", 0, 0}, {MML_BYTES, "2 GB", 0, 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        MmlSetting setting = {.path = "x", .type = wrong[i].type, .low = -INFINITY, .high = INFINITY};
        MmlValue value;
        cr_assert_eq(mml_value_parse(toy(), &setting, wrong[i].text, &value, arena), MML_ECALL, "'%s' is taken", wrong[i].text);
    }
}

Test(settings, reals_read_back_bit_for_bit) {
    MmlSetting real = {.path = "x", .type = MML_REAL, .low = -INFINITY, .high = INFINITY}, share = real;
    share.type = MML_SHARE;
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    for (int i = 0; i < 2000; i++) {
        MmlValue value = {.r = ldexp(mml_random_uniform(&random), (int)mml_random_below(&random, 80) - 40)}, again;
        cr_assert_eq(mml_value_parse(toy(), &real, mml_value_text(toy(), &real, value, arena), &again, arena), MML_OK);
        cr_assert_eq(value.r, again.r);
    }
    for (int percent = 0; percent <= 1000; percent++) {
        MmlValue value = {.r = percent / 10.0 / 100}, again;
        cr_assert_eq(mml_value_parse(toy(), &share, mml_value_text(toy(), &share, value, arena), &again, arena), MML_OK);
        cr_assert_eq(value.r, again.r, "%s", mml_value_text(toy(), &share, value, arena));
    }
}

/* ---- Texts and actions ---- */

Test(settings, texts_are_built_and_kept) {
    MmlText *text = mml_text_new(arena);
    mml_text_begin(text);
    mml_text_string(text, "synergy fell to ");
    mml_text_real(text, 1 / 3.0);
    mml_text_string(text, " after ");
    mml_text_int(text, -12);
    const char *first = mml_text_end(text);
    mml_text_begin(text);
    for (int i = 0; i < 1000; i++) mml_text_string(text, "abc");
    const char *second = mml_text_end(text);
    cr_assert_str_eq(first, "synergy fell to 0.333333 after -12");
    cr_assert_eq(strlen(second), 3000);
    mml_text_begin(text);
    mml_text_real(text, -NAN);
    mml_text_real(text, -INFINITY);
    cr_assert_str_eq(mml_text_end(text), "nan-inf");
}

Test(settings, actions_change_the_active_set_and_are_noted) {
    MmlRuleLog log = {.arena = arena, .modalities = toy()->modalities};
    i64 active[] = {1, 1}, trained[] = {0, 0};
    MmlRuleContext context = {.modalities = 2, .active = active, .trained = trained, .log = &log};
    mml_rule_only(&context, 2);
    cr_assert(active[0] == 0 && active[1] == 1);
    mml_rule_resume(&context, 0);
    mml_rule_pause(&context, 1);
    cr_assert(active[0] == 1 && active[1] == 0);
    mml_rule_all(&context);
    cr_assert(active[0] == 1 && active[1] == 1);
    mml_rule_say(&context, "so");
    mml_rule_finish(&context, "first");
    mml_rule_finish(&context, "second");
    static const char *const expected[] = {"only(b)", "resume(a)", "pause(b)", "all()"};
    cr_assert_eq(log.action_count, 4);
    for (int i = 0; i < 4; i++) cr_assert_str_eq(log.actions[i], expected[i]);
    cr_assert_str_eq(log.said[0], "so");
    cr_assert_str_eq(log.finish, "first");
}
