/* Whole runs of the toy through mml_main: what is written, what is equal, and
 * the trainer's other modes. */
#define _GNU_SOURCE
#include "toy.h"

#include "train/safetensors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void expect_code(const char *folder, int code, int expected) {
    if (code == expected) return;
    cr_assert_fail("exit %d, expected %d:\n%s", code, expected, toy_read(folder, "err"));
}

#define RUN(expected, ...) expect_code(folder, toy_run(folder, __VA_ARGS__, NULL), expected)

static void expect_same(const char *folder, const char *one, const char *other, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", one, name);
    char *a = toy_without_times(toy_read(folder, path));
    snprintf(path, sizeof path, "%s/%s", other, name);
    char *b = toy_without_times(toy_read(folder, path));
    cr_assert_str_eq(a, b, "%s differs between %s and %s", name, one, other);
    free(a);
    free(b);
}

static json_t *read_json(const char *folder, const char *name) {
    char *text = toy_read(folder, name);
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    cr_assert(json, "%s: %s\n%s", name, error.text, text);
    free(text);
    return json;
}

/* Calls check on each line of a log. */
static int each_line(const char *folder, const char *name, void (*check)(const json_t *line)) {
    char *text = toy_read(folder, name), *rest = text;
    int count = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line; count++) {
        json_t *json = json_loads(line, 0, NULL);
        cr_assert(json, "no JSON: %s", line);
        check(json);
        json_decref(json);
    }
    free(text);
    return count;
}

static void expect_keys(const json_t *object, const char *const *keys) {
    for (int i = 0; keys[i]; i++) cr_assert(json_object_get(object, keys[i]), "no key %s", keys[i]);
}

/* ---- Files ---- */

static void check_metrics(const json_t *line) {
    static const char *const keys[] = {"stage", "epoch", "split", "loss", "accuracy", "head", "head_loss", "lr", "samples",
                                       "seconds", NULL};
    expect_keys(line, keys);
    int unimodal = !strcmp(json_string_value(json_object_get(line, "stage")), "unimodal");
    cr_assert_eq(json_is_null(json_object_get(line, "accuracy")), unimodal,
                 "the fused head has no accuracy in a unimodal stage, and only there");
}

static void check_probe(const json_t *line) {
    static const char *const keys[] = {"stage", "epoch", "redundancy", "unique", "synergy", "synergy_plugin",
                                       "synergy_error", "estimator", "mutual",
                                       "total", "entropy", "gap", "samples", "bins", "active", "decision", "seconds", "residual", "occupied",
                                       "iterations", "solver", "solve_seconds", NULL};
    expect_keys(line, keys);
    cr_assert_eq(json_integer_value(json_object_get(line, "samples")), 48);
}

Test(runs, leave_every_file_with_every_key) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r");
    cr_assert_eq(each_line(folder, "r/metrics.jsonl", check_metrics), 12, "4 + 2 epochs, train and test");
    cr_assert_eq(each_line(folder, "r/probes.jsonl", check_probe), 5, "the probe before epochs 2, 3 and 4, the watch before 2 and 4");
    json_t *summary = read_json(folder, "r/summary.json");
    static const char *const keys[] = {"accuracy", "head", "best", "stages", "confusion", "per_class", "seconds", NULL};
    expect_keys(summary, keys);
    i64 samples = 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) samples += json_integer_value(json_array_get(json_array_get(json_object_get(summary,
                "confusion"), i), k));
    cr_assert_eq(samples, 16);
    json_decref(summary);
    json_t *run = read_json(folder, "r/run.json");
    static const char *const run_keys[] = {"settings", "program", "hash", "compiler", "runtime", "machine", "seed",
                                           "threads", "data", NULL};
    expect_keys(run, run_keys);
    json_t *root = json_object_get(json_object_get(run, "settings"), "root");
    cr_assert_str_eq(json_string_value(json_object_get(root, "value")), ".");
    cr_assert_str_eq(json_string_value(json_object_get(root, "origin")), "command line");
    const json_t *settings = json_object_get(run, "settings");
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(settings, "tau"), "value")), 1, "a number is one of JSON");
    json_decref(run);
    cr_assert_eq(access(".", F_OK), 0);
    free(toy_read(folder, "r/last.safetensors"));
    free(toy_read(folder, "r/best.safetensors"));
    free(toy_read(folder, "r/joint-2.safetensors"));
    toy_remove(folder);
}

static int same_bytes(const char *folder, const char *one, const char *other) {
    char command[1024];
    snprintf(command, sizeof command, "cmp -s '%s/%s' '%s/%s'", folder, one, folder, other);
    return system(command) == 0;
}

Test(runs, of_one_seed_are_equal_byte_for_byte) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet", "--threads", "2");
    RUN(0, "--root", ".", "--out", "s", "--quiet", "--threads", "2");
    RUN(0, "--root", ".", "--out", "t", "--quiet", "--threads", "2", "--seed", "2");
    expect_same(folder, "r", "s", "metrics.jsonl");
    expect_same(folder, "r", "s", "probes.jsonl");
    expect_same(folder, "r", "s", "summary.json");
    cr_assert(same_bytes(folder, "r/last.safetensors", "s/last.safetensors"));
    cr_assert(same_bytes(folder, "r/best.safetensors", "s/best.safetensors"));
    cr_assert_not(same_bytes(folder, "r/last.safetensors", "t/last.safetensors"), "another seed is another run");
    toy_remove(folder);
}

Test(runs, print_nothing_when_quiet) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet");
    char *out = toy_read(folder, "out"), *err = toy_read(folder, "err");
    cr_assert_str_eq(out, "");
    cr_assert_str_eq(err, "");
    free(out);
    free(err);
    toy_remove(folder);
}

Test(runs, say_plan_epochs_probes_decisions_and_result) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r");
    static const char *const parts[] = {"48 train, 16 test", "seed 1", "cpu", "unimodal 1/4  loss", "probe: redundancy",
                                        "balance: only(b)",
                                        "balance says: synergy", "joint 2/2  loss", "test accuracy (16 samples)", "all 4 epochs trained", NULL};
    for (int i = 0; parts[i]; i++) toy_expect_in(folder, "out", parts[i]);
    toy_remove(folder);
}

Test(runs, give_the_summary_as_one_object_on_request) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--json");
    json_t *out = read_json(folder, "out"), *file = read_json(folder, "r/summary.json");
    cr_assert(json_equal(out, file));
    json_decref(out);
    json_decref(file);
    toy_expect_in(folder, "err", "joint 2/2  loss");
    toy_remove(folder);
}

Test(runs, skip_a_stage_of_no_epochs) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--set", "train.unimodal.epochs=0");
    toy_expect_in(folder, "r/summary.json", "{\"name\": \"unimodal\", \"epochs\": 0, \"reason\": \"skipped: epochs = 0\"}");
    RUN(0, "--root", ".", "--out", "s", "--epochs", "1", "--set", "train.joint.epochs=0");
    toy_expect_in(folder, "s/summary.json", "\"accuracy\": null");
    toy_expect_in(folder, "s/summary.json", "\"best\": {\"accuracy\": null");
    toy_remove(folder);
}

Test(runs, keep_a_paused_modality_still) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--set", "train.joint.epochs=0", "--set", "train.unimodal.epochs=1");
    RUN(0, "--root", ".", "--out", "s", "--set", "train.joint.epochs=0", "--set", "train.unimodal.epochs=4");
    toy_expect_in(folder, "s/probes.jsonl", "\"active\": [\"b\"]");
    char *one = toy_read(folder, "r/metrics.jsonl"), *four = toy_read(folder, "s/metrics.jsonl");
    const char *a = strstr(strstr(one, "\"split\": \"test\""), "\"head\": {\"a\": "), *b = four;
    for (const char *next; (next = strstr(b + 1, "\"head\": {\"a\": "));) b = next;
    cr_assert(a && !strncmp(a, b, strcspn(a, ",")), "a is paused from epoch 2 on, so its test accuracy stays");
    free(one);
    free(four);
    toy_remove(folder);
}

/* ---- Pausing, through the whole trainer: epoch 2 trains b alone ---- */

typedef struct { float weights[12], velocity[12], mean[4]; i64 tracked; } Paused;

static void read_tensor(const MmlSafetensors *file, const char *name, void *out) {
    const MmlTensor *tensor = mml_safetensors_find(file, name);
    cr_assert(tensor, "no tensor %s", name);
    cr_assert_eq(mml_safetensors_read(file, tensor, out), MML_OK);
}

/* Modality a after so many epochs of the unimodal stage. */
static Paused paused_after(const char *folder, const char *name, const char *epochs, const char *set) {
    Paused a;
    float first[1024];
    char path[512], option[64];
    MmlSafetensors *file;
    snprintf(option, sizeof option, "train.unimodal.epochs=%s", epochs);
    expect_code(folder, toy_run(folder, "--root", ".", "--out", name, "--quiet", "--set", "train.joint.epochs=0", "--set",
                                option, "--set", set, NULL), 0);
    snprintf(path, sizeof path, "%s/%s/last.safetensors", folder, name);
    cr_assert_eq(mml_safetensors_open(path, &file), MML_OK);
    read_tensor(file, "encoder.a.0.weight", a.weights);
    read_tensor(file, "encoder.a.1.running_mean", a.mean);
    read_tensor(file, "encoder.a.1.num_batches_tracked", &a.tracked);
    read_tensor(file, "mml.optimizer.first", first);
    memcpy(a.velocity, first, sizeof a.velocity);
    mml_safetensors_close(file);
    return a;
}

Test(runs, a_paused_modality_keeps_weights_momentum_and_statistics) {
    const char *folder = toy_folder();
    Paused before = paused_after(folder, "r", "1", "train.unimodal.pause=still"), after = paused_after(folder, "s", "2",
            "train.unimodal.pause=still");
    cr_assert_arr_eq(before.weights, after.weights, sizeof before.weights);
    cr_assert_arr_eq(before.velocity, after.velocity, sizeof before.velocity);
    cr_assert_arr_eq(before.mean, after.mean, sizeof before.mean);
    cr_assert(before.tracked == 4 && after.tracked == 4);
    toy_remove(folder);
}

/* v <- 0.9 v + wd p and p <- p - lr v, four batches long, by hand. */
Test(runs, a_paused_modality_may_move_by_a_gradient_of_zero) {
    const char *folder = toy_folder();
    Paused before = paused_after(folder, "r", "1", "train.unimodal.pause=zero_gradient"), after = paused_after(folder, "s",
            "2", "train.unimodal.pause=zero_gradient");
    for (int i = 0; i < 12; i++) {
        double p = before.weights[i], v = before.velocity[i];
        for (int batch = 0; batch < 4; batch++) {
            v = 0.9 * v + 1e-3 * p;
            p -= 0.1 * v;
        }
        cr_assert_float_eq(after.weights[i], p, 1e-6);
        cr_assert_float_eq(after.velocity[i], v, 1e-6);
    }
    cr_assert_arr_eq(before.mean, after.mean, sizeof before.mean);
    toy_remove(folder);
}

Test(runs, a_paused_batchnorm_may_move_alone) {
    const char *folder = toy_folder();
    Paused before = paused_after(folder, "r", "1", "train.unimodal.paused_batchnorm=moves"), after = paused_after(folder,
            "s", "2", "train.unimodal.paused_batchnorm=moves");
    cr_assert_arr_eq(before.weights, after.weights, sizeof before.weights);
    cr_assert(memcmp(before.mean, after.mean, sizeof before.mean), "the running mean stands still");
    cr_assert(before.tracked == 4 && after.tracked == 8);
    toy_remove(folder);
}

/* ---- Stages that go on, load and keep ---- */

/* a is paused in epoch 2 alone, so before epoch 4 it has had two epochs and b three. */
Test(runs, a_modality_clock_counts_what_was_trained) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet", "--loud", "--set", "train.unimodal.schedule.clock=modality", "--set",
        "train.unimodal.schedule.every=1",
        "--set", "train.joint.epochs=0");
    toy_expect_in(folder, "r/metrics.jsonl", "\"lr\": {\"a\": 0.025, \"b\": 0.0125}");
    toy_remove(folder);
}

Test(runs, a_stage_that_continues_keeps_the_clock_and_says_when_it_cannot_keep_the_memory) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--set", "train.joint.continue=true");
    toy_expect_in(folder, "out", "joint 1/2  loss");
    toy_expect_in(folder, "out", "| lr 0.025  ");
    toy_expect_in(folder, "out", "another kind of optimiser");
    toy_remove(folder);
}

Test(runs, a_stage_starts_from_files_where_it_is_told_to) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet");
    RUN(0, "--root", ".", "--out", "s", "--set", "train.unimodal.epochs=0", "--set", "train.joint.optimizer.lr=0", "--set",
        "train.joint.load=r/joint-2.safetensors");
    toy_expect_in(folder, "out", "a from r/joint-2.safetensors");
    RUN(0, "--root", ".", "--eval", "r/last.safetensors", "--json");
    json_t *there = read_json(folder, "out"), *here = read_json(folder, "s/summary.json");
    cr_assert_eq(json_number_value(json_object_get(json_object_get(there, "head"), "b")),
                 json_number_value(json_object_get(json_object_get(here, "head"), "b")));
    json_decref(there);
    json_decref(here);
    RUN(0, "--root", ".", "--out", "t", "--set", "train.unimodal.epochs=0", "--set",
        "train.joint.load=a=r/last.safetensors,b=r/best.safetensors");
    toy_expect_in(folder, "out", "b from r/best.safetensors");
    RUN(3, "--root", ".", "--out", "u", "--set", "train.joint.load=none.safetensors");
    toy_expect_in(folder, "err", "train.joint.load: there is no file none.safetensors");
    toy_remove(folder);
}

/* Weights from elsewhere: a bias of a's encoder (4 values), and one of another shape. */
static void write_foreign(const char *folder, const char *file, const char *bias, const char *other) {
    static float values[4];
    MmlTensor tensors[] = {{.name = bias, .dtype = MML_DTYPE_F32, .rank = 1, .size = {4}, .count = 4, .data = values},
                           {.name = other, .dtype = MML_DTYPE_F32, .rank = 2, .size = {2, 2}, .count = 4, .data = values}};
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    cr_assert_eq(mml_safetensors_write(path, tensors, 2, NULL, 0), MML_OK, "%s", mml_message());
}

Test(runs, a_stage_takes_what_fits_of_other_weights_and_tells_the_rest) {
    const char *folder = toy_folder();
    write_foreign(folder, "other.safetensors", "encoder.a.0.bias", "encoder.a.1.weight");
    RUN(0, "--root", ".", "--out", "s", "--set", "train.unimodal.epochs=0", "--set", "train.joint.load=a=other.safetensors,b=");
    toy_expect_in(folder, "out", "a from other.safetensors (1 tensors loaded, 6 not in the file, 1 of another shape)");
    toy_expect_in(folder, "out", "encoder.a.1.weight [4]: in the file it is [2, 2], stays as initialised");
    toy_expect_in(folder, "out", "head.a.weight [3, 4]: not in the file, stays as initialised");
    toy_remove(folder);
}

Test(runs, weights_of_which_none_fits_are_refused_with_the_prefix_that_would_make_them) {
    const char *folder = toy_folder();
    write_foreign(folder, "plain.safetensors", "0.bias", "1.weight");
    write_foreign(folder, "strange.safetensors", "x", "y");
    RUN(3, "--root", ".", "--out", "s", "--init", "plain.safetensors");
    toy_expect_in(folder, "err", "--init: no tensor of plain.safetensors has a name and a shape of this model; they would fit with 'encoder.a.' in front");
    RUN(3, "--root", ".", "--out", "t", "--set", "train.unimodal.epochs=0", "--set", "train.joint.load=a=,b=plain.safetensors");
    toy_expect_in(folder, "err", "train.joint.load: no tensor of plain.safetensors has a name and a shape of modality b; they would fit with 'encoder.b.'");
    RUN(3, "--root", ".", "--out", "u", "--init", "strange.safetensors");
    cr_assert_null(strstr(toy_read(folder, "err"), "in front"));
    toy_remove(folder);
}

/* ---- Refusals ---- */

Test(runs, refuse_a_folder_that_holds_one) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet", "--epochs", "1");
    RUN(2, "--root", ".", "--out", "r");
    toy_expect_in(folder, "err", "--resume r");
    toy_remove(folder);
}

Test(runs, keep_out_of_a_folder_where_another_is_at_work) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet", "--epochs", "1");
    char path[512];
    snprintf(path, sizeof path, "%s/r", folder);
    int held = open(path, O_RDONLY | O_DIRECTORY);
    cr_assert_eq(flock(held, LOCK_EX), 0);
    RUN(2, "--resume", "r");
    toy_expect_in(folder, "err", "another trainer is at work in r");
    close(held);
    RUN(0, "--resume", "r", "--quiet");
    toy_remove(folder);
}

Test(runs, leave_nothing_where_nothing_can_be_written) {
    const char *folder = toy_folder();
    RUN(3, "--root", ".", "--out", "a.csv/run");
    toy_expect_in(folder, "err", "a.csv");
    RUN(3, "--root", "nowhere", "--out", "r");
    toy_expect_in(folder, "err", "nowhere");
    char path[512];
    snprintf(path, sizeof path, "%s/r", folder);
    cr_assert_neq(access(path, F_OK), 0, "bad data leave no folder");
    toy_remove(folder);
}

Test(runs, ask_for_what_is_required_before_anything_starts) {
    const char *folder = toy_folder();
    RUN(2, "--out", "r");
    toy_expect_in(folder, "err", "--root path");
    toy_remove(folder);
}

Test(runs, say_a_requires_that_does_not_hold_before_reading_data) {
    const char *folder = toy_folder();
    RUN(2, "--root", "nowhere", "--out", "r", "--set", "train.unimodal.policy.tau=0.5");
    toy_expect_in(folder, "err", "requires tau >= 1");
    toy_remove(folder);
}

Test(runs, stop_at_an_infinite_loss_with_epoch_batch_and_layer) {
    const char *folder = toy_folder();
    RUN(1, "--root", ".", "--out", "r", "--set", "train.unimodal.epochs=0", "--set", "train.joint.optimizer.lr=1e30");
    toy_expect_in(folder, "err", "stage joint, epoch 1, batch 2");
    toy_expect_in(folder, "err", "the first value that is not finite comes from layer head.a");
    toy_remove(folder);
}

Test(runs, name_a_probe_of_a_split_without_samples) {
    const char *folder = toy_folder();
    RUN(3, "--root", ".", "--out", "r", "--set", "train.unimodal.probe.split=validation");
    toy_expect_in(folder, "err", "train.unimodal.probe reads the validation split");
    toy_remove(folder);
}

/* ---- Other modes ---- */

static double number_at(const json_t *json, const char *key) { return json_number_value(json_object_get(json, key)); }

Test(runs, evaluate_saved_weights_to_the_same_numbers) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet");
    json_t *summary = read_json(folder, "r/summary.json");
    RUN(0, "--root", ".", "--eval", "r/last.safetensors", "--json");
    json_t *evaluated = read_json(folder, "out");
    cr_assert_eq(number_at(summary, "accuracy"), number_at(evaluated, "accuracy"));
    cr_assert(json_equal(json_object_get(summary, "confusion"), json_object_get(evaluated, "confusion")));
    cr_assert(json_equal(json_object_get(summary, "head"), json_object_get(evaluated, "head")));
    json_decref(summary);
    json_decref(evaluated);
    toy_remove(folder);
}

Test(runs, refuse_weights_that_are_cut_off_or_not_there) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet", "--epochs", "1");
    char command[1024];
    snprintf(command, sizeof command,
             "cd '%s' && head -c 300 r/last.safetensors >cut.safetensors && truncate -s -5 r/last.safetensors", folder);
    cr_assert_eq(system(command), 0);
    RUN(3, "--root", ".", "--eval", "cut.safetensors");
    toy_expect_in(folder, "err", "cut.safetensors");
    RUN(3, "--root", ".", "--eval", "r/last.safetensors");
    toy_expect_in(folder, "err", "5 bytes of its data are missing");
    RUN(3, "--root", ".", "--eval", "none.safetensors");
    toy_expect_in(folder, "err", "none.safetensors");
    RUN(3, "--root", ".", "--eval", "a.csv");
    toy_remove(folder);
}

Test(runs, predict_a_row_for_each_test_sample) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--predict", "after.csv", "--quiet");
    RUN(0, "--root", ".", "--eval", "r/last.safetensors", "--predict", "later.csv", "--quiet");
    cr_assert(same_bytes(folder, "after.csv", "later.csv"));
    char *text = toy_read(folder, "after.csv"), *rest = text;
    cr_assert_str_eq(strsep(&rest, "\n"), "label,prediction,p0,p1,p2");
    int rows = 0, right = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line; rows++) {
        int label, prediction;
        double p[3];
        cr_assert_eq(sscanf(line, "%d,%d,%lf,%lf,%lf", &label, &prediction, &p[0], &p[1], &p[2]), 5);
        cr_assert_float_eq(p[0] + p[1] + p[2], 1, 1e-6);
        for (int k = 0; k < 3; k++) cr_assert_leq(p[k], p[prediction]);
        right += label == prediction;
    }
    cr_assert_eq(rows, 16);
    json_t *summary = read_json(folder, "r/summary.json");
    cr_assert_float_eq(number_at(summary, "accuracy"), right / 16.0, 1e-12);
    json_decref(summary);
    free(text);
    toy_remove(folder);
}

Test(runs, start_from_given_weights) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--out", "r", "--quiet");
    RUN(0, "--root", ".", "--out", "s", "--init", "r/last.safetensors", "--set", "train.unimodal.epochs=0", "--set",
        "train.joint.epochs=0");
    toy_expect_in(folder, "out", "14 tensors loaded, 0 not in the file, 0 of another shape");
    RUN(0, "--root", ".", "--predict", "one.csv", "--eval", "r/last.safetensors", "--quiet");
    RUN(3, "--root", ".", "--out", "t", "--init", "none.safetensors");
    toy_remove(folder);
}

Test(runs, check_one_batch_and_write_nothing) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--check");
    toy_expect_in(folder, "out", "one batch of 12 samples: loss");
    toy_expect_in(folder, "out", "0 samples skipped");
    char path[512];
    snprintf(path, sizeof path, "%s/runs", folder);
    cr_assert_neq(access(path, F_OK), 0);
    toy_remove(folder);
}

Test(runs, overfit_one_batch_on_request) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--overfit-batch");
    toy_expect_in(folder, "out", "joint     step 200: loss");
    RUN(1, "--root", ".", "--overfit-batch", "--set", "train.unimodal.optimizer.lr=0");
    toy_expect_in(folder, "err", "stage unimodal cannot fit one batch");
    toy_remove(folder);
}

Test(runs, take_runs_NAME_date_seed_as_the_default_folder) {
    const char *folder = toy_folder();
    RUN(0, "--root", ".", "--epochs", "1", "--seed", "42");
    char *out = toy_read(folder, "out"), *at = strstr(out, "output    runs/toy-");
    cr_assert(at && strstr(at, "-42\n"), "%s", out);
    free(out);
    toy_remove(folder);
}
