#define _GNU_SOURCE
#include "toy.h"

#include "mml/nn.h"
#include "mml/settings.h"
#include "mml/train.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { A = 3, B = 2, WIDTH = 4, CLASSES = 3, ROWS = 64 };

void (*toy_step_hook)(void);

/* ---- Parameters ---- */

enum { A_W, A_B, A_GAMMA, A_BETA, HEAD_A_W, HEAD_A_B, B_W, B_B, HEAD_B_W, HEAD_B_B, FUSE_W, FUSE_B, PARAMETERS };

#define PARAMETER(name, group, kind, rank, n, m, init, fan_in, fan_out) \
    {name, group, kind, {rank, {n, m}}, (n) * (rank == 2 ? m : 1), 0, init, fan_in, fan_out, 0}

static MmlParameter parameters[PARAMETERS] = {
    PARAMETER("encoder.a.0.weight", 0, MML_PARAM_LINEAR, 2, WIDTH, A, MML_INIT_XAVIER, A, WIDTH),
    PARAMETER("encoder.a.0.bias",   0, MML_PARAM_BIAS,   1, WIDTH, 0, MML_INIT_ZERO, A, WIDTH),
    PARAMETER("encoder.a.1.weight", 0, MML_PARAM_NORM,   1, WIDTH, 0, MML_INIT_ONE, 0, 0),
    PARAMETER("encoder.a.1.bias",   0, MML_PARAM_BIAS,   1, WIDTH, 0, MML_INIT_ZERO, 0, 0),
    PARAMETER("head.a.weight",      0, MML_PARAM_LINEAR, 2, CLASSES, WIDTH, MML_INIT_XAVIER, WIDTH, CLASSES),
    PARAMETER("head.a.bias",        0, MML_PARAM_BIAS,   1, CLASSES, 0, MML_INIT_ZERO, 0, 0),
    PARAMETER("encoder.b.0.weight", 1, MML_PARAM_LINEAR, 2, WIDTH, B, MML_INIT_XAVIER, B, WIDTH),
    PARAMETER("encoder.b.0.bias",   1, MML_PARAM_BIAS,   1, WIDTH, 0, MML_INIT_ZERO, B, WIDTH),
    PARAMETER("head.b.weight",      1, MML_PARAM_LINEAR, 2, CLASSES, WIDTH, MML_INIT_XAVIER, WIDTH, CLASSES),
    PARAMETER("head.b.bias",        1, MML_PARAM_BIAS,   1, CLASSES, 0, MML_INIT_ZERO, 0, 0),
    PARAMETER("fusion.1.weight",    2, MML_PARAM_LINEAR, 2, CLASSES, 2 * WIDTH, MML_INIT_XAVIER, 2 * WIDTH, CLASSES),
    PARAMETER("fusion.1.bias",      2, MML_PARAM_BIAS,   1, CLASSES, 0, MML_INIT_ZERO, 0, 0),
};

static MmlStatistic statistics[] = {
    {"encoder.a.1.running_mean", 0, WIDTH, 0, 0},
    {"encoder.a.1.running_var",  0, WIDTH, 16, 1},
};

static const i64 reached_unimodal[PARAMETERS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
static const i64 reached_joint[PARAMETERS]    = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* ---- Steps ---- */

enum { NODE_A_LINEAR, NODE_A_NORM, NODE_B_LINEAR, NODE_B_DROPOUT, NODE_HEAD_A, NODE_HEAD_B, NODE_FUSION, NODE_LOSS, NODES };
static const char *const nodes[NODES] = {"encoder.a.0", "encoder.a.1", "encoder.b.0", "encoder.b.1", "head.a", "head.b",
                                         "fusion.1", "loss"};

#define INT(v)  ((MmlValue){.i = (v)})
#define REAL(v) ((MmlValue){.r = (v)})

typedef struct {
    MmlFrame *frame;
    char     *next;
    float    *a, *mean, *deviation, *normed, *b, *dropped, *heads[2], *joint, *fused, *loss[3], *probability[3];
} Pass;

static float *take(Pass *pass, i64 floats) {
    float *result = (float *)pass->next;
    pass->next += (floats * 4 + 63) / 64 * 64;
    return result;
}

static float *weights(MmlFrame *frame, int p) { return frame->parameters + parameters[p].offset; }
static float *gradient(MmlFrame *frame, int p) { return frame->gradients + parameters[p].offset; }

static void seen(MmlFrame *frame, int node, const float *value, i64 count) {
    if (frame->trace) frame->trace(frame, node, value, count);
}

static const MmlValue *linear_attributes(MmlValue attributes[4], i64 in, i64 out) {
    attributes[0] = INT(in);
    attributes[1] = INT(out);
    attributes[2] = INT(in);
    attributes[3] = REAL(1);
    return attributes;
}

static void linear(MmlFrame *frame, i64 in, i64 out, const float *x, int weight, float *y) {
    MmlValue attributes[4];
    mml_linear_forward(frame, linear_attributes(attributes, in, out),
                       (float *[]){(float *)x, weights(frame, weight), weights(frame, weight + 1), y});
}

static void linear_back(MmlFrame *frame, i64 in, i64 out, float *dy, const float *x, int weight, float *dx) {
    MmlValue attributes[4];
    mml_linear_backward(frame, linear_attributes(attributes, in, out),
                        (float *[]){dy, (float *)x, weights(frame, weight), dx, gradient(frame, weight), gradient(frame, weight + 1)});
}

static const MmlValue norm_attributes[] = {{.i = WIDTH}, {.i = 1}, {.r = 0.1}, {.r = 1e-5}, {.i = 0}};
static const MmlValue dropout_attributes[] = {{.i = WIDTH}, {.r = 0.2}, {.i = 1}, {.i = 1}};
static const MmlValue concat_attributes[] = {{.i = 2}, {.i = WIDTH}, {.i = WIDTH}};
static const MmlValue ce_attributes[] = {{.i = CLASSES}};

static void encode_a(Pass *pass) {
    MmlFrame *frame = pass->frame;
    i64 n = frame->capacity;
    pass->a = take(pass, n * WIDTH);
    pass->normed = take(pass, n * WIDTH);
    pass->mean = take(pass, WIDTH);
    pass->deviation = take(pass, WIDTH);
    pass->heads[0] = take(pass, n * CLASSES);
    if (!frame->forward[0]) return;
    linear(frame, A, WIDTH, frame->inputs[0], A_W, pass->a);
    seen(frame, NODE_A_LINEAR, pass->a, frame->batch * WIDTH);
    mml_batchnorm_forward(frame, norm_attributes, (float *[]){pass->a, weights(frame, A_GAMMA), weights(frame, A_BETA),
                          frame->statistics, frame->statistics + 16, pass->normed, pass->mean, pass->deviation});
    seen(frame, NODE_A_NORM, pass->normed, frame->batch * WIDTH);
    linear(frame, WIDTH, CLASSES, pass->normed, HEAD_A_W, pass->heads[0]);
    seen(frame, NODE_HEAD_A, pass->heads[0], frame->batch * CLASSES);
    frame->features[0] = pass->normed;
    frame->logits[0] = pass->heads[0];
}

static void encode_b(Pass *pass) {
    MmlFrame *frame = pass->frame;
    i64 n = frame->capacity;
    pass->b = take(pass, n * WIDTH);
    pass->dropped = take(pass, n * WIDTH);
    pass->heads[1] = take(pass, n * CLASSES);
    if (!frame->forward[1]) return;
    linear(frame, B, WIDTH, frame->inputs[1], B_W, pass->b);
    seen(frame, NODE_B_LINEAR, pass->b, frame->batch * WIDTH);
    mml_dropout_forward(frame, dropout_attributes, (float *[]){pass->b, pass->dropped});
    seen(frame, NODE_B_DROPOUT, pass->dropped, frame->batch * WIDTH);
    linear(frame, WIDTH, CLASSES, pass->dropped, HEAD_B_W, pass->heads[1]);
    seen(frame, NODE_HEAD_B, pass->heads[1], frame->batch * CLASSES);
    frame->features[1] = pass->dropped;
    frame->logits[1] = pass->heads[1];
}

static void fuse(Pass *pass) {
    MmlFrame *frame = pass->frame;
    pass->joint = take(pass, frame->capacity * 2 * WIDTH);
    pass->fused = take(pass, frame->capacity * CLASSES);
    mml_concat_forward(frame, concat_attributes, (float *[]){pass->joint, pass->normed, pass->dropped});
    linear(frame, 2 * WIDTH, CLASSES, pass->joint, FUSE_W, pass->fused);
    seen(frame, NODE_FUSION, pass->fused, frame->batch * CLASSES);
    frame->logits[2] = frame->prediction = pass->fused;
}

static double cross_entropy(Pass *pass, int which, float *logits) {
    pass->loss[which] = take(pass, 1);
    pass->probability[which] = take(pass, pass->frame->capacity * CLASSES);
    mml_ce_forward(pass->frame, ce_attributes, (float *[]){logits, NULL, pass->loss[which], pass->probability[which]});
    return *pass->loss[which];
}

/* The losses: of the active heads (unimodal), or fused + both heads (joint). */
static void loss(Pass *pass, int joint) {
    MmlFrame *frame = pass->frame;
    frame->loss = 0;
    for (int m = 0; m < 2; m++)
        if (joint || frame->active[m]) frame->loss += cross_entropy(pass, m, pass->heads[m]);
    if (joint) frame->loss += cross_entropy(pass, 2, pass->fused);
    float value = (float)frame->loss;
    seen(frame, NODE_LOSS, &value, 1);
}

static void ce_back(Pass *pass, int which, float *dz) {
    float one = 1;
    mml_ce_backward(pass->frame, ce_attributes, (float *[]){&one, pass->probability[which], NULL, dz});
}

static void add_up(MmlFrame *frame, float *x, float *y) {
    static const MmlValue attributes[] = {{.i = WIDTH}, {.i = 0}};
    mml_accumulate(frame, attributes, (float *[]){x, y});
}

static void clear_gradients(MmlFrame *frame, int joint) {
    const i64 *reached = joint ? reached_joint : reached_unimodal;
    for (int p = 0; p < PARAMETERS; p++)
        if (reached[p] && frame->active[parameters[p].group])
            memset(gradient(frame, p), 0, sizeof(float) * (size_t)parameters[p].count);
}

static void backward(Pass *pass, int joint) {
    MmlFrame *frame = pass->frame;
    i64 n = frame->capacity;
    float *dz = take(pass, n * CLASSES), *djoint = take(pass, n * 2 * WIDTH);
    float *dfeature[2] = {take(pass, n * WIDTH), take(pass, n * WIDTH)}, *dhead = take(pass, n * WIDTH), *dx = take(pass, n * WIDTH);
    clear_gradients(frame, joint);
    if (joint) {
        ce_back(pass, 2, dz);
        linear_back(frame, 2 * WIDTH, CLASSES, dz, pass->joint, FUSE_W, djoint);
        mml_concat_backward(frame, concat_attributes, (float *[]){djoint, dfeature[0], dfeature[1]});
    }
    float *feature[] = {pass->normed, pass->dropped};
    static const int head_weight[] = {HEAD_A_W, HEAD_B_W};
    for (int m = 0; m < 2; m++) {
        if (!frame->active[m]) continue;
        ce_back(pass, m, dz);
        linear_back(frame, WIDTH, CLASSES, dz, feature[m], head_weight[m], dhead);
        if (joint) add_up(frame, dfeature[m], dhead);
        if (m == 0) {
            mml_batchnorm_backward(frame, norm_attributes, (float *[]){dhead, pass->a, weights(frame, A_GAMMA), pass->mean,
                    pass->deviation,
                                   dx, gradient(frame, A_GAMMA), gradient(frame, A_BETA)});
            linear_back(frame, A, WIDTH, dx, frame->inputs[0], A_W, NULL);
        } else {
            mml_dropout_backward(frame, dropout_attributes, (float *[]){dhead, dx});
            linear_back(frame, B, WIDTH, dx, frame->inputs[1], B_W, NULL);
        }
    }
}

static void step(MmlFrame *frame, int joint, int train) {
    Pass pass = {.frame = frame, .next = frame->arena};
    if (toy_step_hook) toy_step_hook();
    encode_a(&pass);
    encode_b(&pass);
    if (joint) fuse(&pass);
    loss(&pass, joint);
    if (train) backward(&pass, joint);
}

static void unimodal_train(MmlFrame *frame)    { step(frame, 0, 1); }
static void unimodal_evaluate(MmlFrame *frame) { step(frame, 0, 0); }
static void joint_train(MmlFrame *frame)       { step(frame, 1, 1); }
static void joint_evaluate(MmlFrame *frame)    { step(frame, 1, 0); }

static const i64 reads[256];                 /* its code reads no setting */
#define STEP(name, function, reached) {name, 4096, 1024, 4096, function, reached, NODES, nodes, reads}
static const MmlStep steps[] = {
    STEP("train.unimodal", unimodal_train, reached_unimodal), STEP("train.unimodal evaluation", unimodal_evaluate, reached_unimodal),
    STEP("train.joint", joint_train, reached_joint),          STEP("train.joint evaluation", joint_evaluate, reached_joint),
};

/* ---- Settings ---- */

typedef struct { const char *path; i64 type; const char *words; i64 flags; double low, high; const char *value, *doc; } Row;

#define FREE -INFINITY, INFINITY
#define MEASURE(path, every) \
    {path ".every", MML_EPOCHS, NULL, 0, 1, INFINITY, every, NULL}, \
    {path ".when", MML_WORD, "before|after", 0, FREE, "before", NULL}, \
    {path ".untrained", MML_BOOL, NULL, 0, FREE, "false", NULL}, \
    {path ".split", MML_WORD, "train|validation|test", 0, FREE, "train", NULL}, \
    {path ".samples", MML_INT, NULL, 0, 1, INFINITY, "all", NULL}, \
    {path ".bins", MML_WORD, "kmeans", MML_SETTING_FIXED, FREE, "kmeans", NULL}, \
    {path ".bins.k", MML_INT, NULL, 0, 2, 65536, "4", NULL}, \
    {path ".bins.pca", MML_INT, NULL, 0, 0, 65536, "2", NULL}, \
    {path ".bins.normalize", MML_WORD, "l2|none", 0, FREE, "none", NULL}, \
    {path ".bins.restarts", MML_INT, NULL, 0, 1, 1e6, "2", NULL}
#define STAGE(path) \
    {path ".seed", MML_INT, NULL, 0, 0, INFINITY, "=train.seed", NULL}, \
    {path ".batch", MML_INT, NULL, 0, 1, INFINITY, "12", NULL}, \
    {path ".continue", MML_BOOL, NULL, 0, FREE, "false", NULL}, \
    {path ".pause", MML_WORD, "still|zero_gradient", 0, FREE, "still", NULL}, \
    {path ".paused_batchnorm", MML_WORD, "still|moves", 0, FREE, "still", NULL}, \
    {path ".optimizer.lr", MML_REAL, NULL, 0, 0, INFINITY, "0.1", NULL}, \
    {path ".optimizer.weight_decay", MML_REAL, NULL, 0, 0, INFINITY, "1e-3", NULL}, \
    {path ".schedule", MML_WORD, "step", MML_SETTING_FIXED, FREE, "step", NULL}, \
    {path ".schedule.every", MML_EPOCHS, NULL, 0, 1, INFINITY, "2", NULL}, \
    {path ".schedule.gamma", MML_REAL, NULL, 0, 0, INFINITY, "0.5", NULL}, \
    {path ".schedule.clock", MML_WORD, "stage|modality", 0, FREE, "stage", NULL}

/* value: text; "=PATH": that setting's; "*2=PATH": twice that. */
static const Row rows[] = {
    {"root", MML_PATH, NULL, MML_SETTING_PARAM | MML_SETTING_REQUIRED, FREE, NULL, "folder with a.csv and b.csv"},
    {"tau", MML_REAL, NULL, MML_SETTING_PARAM, 1, INFINITY, "1.0", "uniqueness ratio"},
    {"epochs", MML_EPOCHS, NULL, MML_SETTING_PARAM, 0, INFINITY, "2", NULL},
    {"half", MML_INT, NULL, MML_SETTING_PARAM | MML_SETTING_FIXED, 1, INFINITY, "14", NULL},
    {"loud", MML_BOOL, NULL, MML_SETTING_PARAM, FREE, "false", NULL},
    {"data.rows", MML_WORD, "csv", MML_SETTING_FIXED, FREE, "csv", NULL},
    {"data.rows.label", MML_WORD, "last", MML_SETTING_FIXED, FREE, "last", NULL},
    {"data.rows.test.every", MML_INT, NULL, 0, 2, INFINITY, "4", NULL},
    {"data.rows.test.of", MML_INT, NULL, 0, 0, INFINITY, "3", NULL},
    {"data.rows.file1", MML_PATH, NULL, 0, FREE, "root/a.csv", NULL},
    {"data.rows.file2", MML_PATH, NULL, 0, FREE, "root/b.csv", NULL},
    {"train.seed", MML_INT, NULL, 0, 0, INFINITY, "1", NULL},
    {"train.unimodal.epochs", MML_EPOCHS, NULL, 0, 0, INFINITY, "*2=epochs", NULL},
    STAGE("train.unimodal"),
    {"train.unimodal.optimizer", MML_WORD, "sgd", MML_SETTING_FIXED, FREE, "sgd", NULL},
    {"train.unimodal.optimizer.momentum", MML_REAL, NULL, 0, 0, 1, "0.9", NULL},
    {"train.unimodal.optimizer.nesterov", MML_BOOL, NULL, 0, FREE, "false", NULL},
    MEASURE("train.unimodal.probe", "1"),
    {"train.unimodal.probe.solver", MML_WORD, "newton", MML_SETTING_FIXED, FREE, "newton", NULL},
    {"train.unimodal.probe.estimator", MML_WORD, "adjusted|plugin", 0, FREE, "adjusted", NULL},
    MEASURE("train.unimodal.watch1", "2"),
    {"train.unimodal.policy.tau", MML_REAL, NULL, 0, 0, INFINITY, "=tau", NULL},
    {"train.joint.epochs", MML_EPOCHS, NULL, 0, 0, INFINITY, "=epochs", NULL},
    STAGE("train.joint"),
    {"train.joint.optimizer", MML_WORD, "adam", MML_SETTING_FIXED, FREE, "adam", NULL},
};

enum { SETTINGS = sizeof rows / sizeof *rows + 3, NAMES = SETTINGS - 3, SAVE = SETTINGS - 2, LOAD = SETTINGS - 1 };
static MmlSetting settings[SETTINGS];

static MmlExperiment experiment;

static i64 slot_of(const char *path) { return mml_setting_find(&experiment, path)->slot; }

static void fill(MmlValue *values, const u8 *given, MmlText *text, const MmlSetting *setting, const Row *row) {
    MmlValue *out = &values[setting->slot];
    const char *value = row->value;
    if (given[setting->slot] || !value) return;
    if (*value == '=') *out = values[slot_of(value + 1)];
    else if (*value == '*') out->i = 2 * values[slot_of(value + 3)].i;
    else if (!strncmp(value, "root/", 5)) {
        mml_text_begin(text);
        mml_text_string(text, values[slot_of("root")].s);
        mml_text_string(text, value + 4);
        out->s = mml_text_end(text);
    } else if (!strcmp(value, "all")) out->i = -1;
    else if (setting->type == MML_WORD || setting->type == MML_BOOL) out->i = !strcmp(value, "true") || !strcmp(value,
            "plugin") ? 1 : 0;
    else if (setting->type == MML_REAL) out->r = strtod(value, NULL);
    else out->i = atoll(value);
    if (setting->type == MML_WORD && strstr(setting->path, "normalize")) out->i = 1;
}

static void evaluate(MmlValue *values, const u8 *given, MmlText *text) {
    for (int i = 0; i < NAMES; i++) fill(values, given, text, &settings[i], &rows[i]);
    i64 slot = settings[NAMES].slot;
    for (int m = 0; m < 2; m++)
        if (!given[slot + m]) values[slot + m].i = m + 1;
    slot = settings[LOAD].slot;
    for (int m = 0; m < 2; m++)
        if (!given[slot + m]) values[slot + m].s = "";
    slot = settings[SAVE].slot;
    if (!given[slot]) {
        values[slot].i = 1;
        values[slot + 1].i = 2;
    }
}

static void lay_out_settings(void) {
    i64 slot = 0;
    for (int i = 0; i < NAMES; i++)
        settings[i] = (MmlSetting){.path = rows[i].path, .type = rows[i].type, .slot = slot++, .flags = rows[i].flags,
                                   .words = rows[i].words,
                                   .origin = "toy.mml:1", .doc = rows[i].doc, .low = rows[i].low, .high = rows[i].high};
    settings[NAMES] = (MmlSetting){.path = "names", .type = MML_EPOCHS, .each = 1, .slot = slot, .flags = MML_SETTING_PARAM,
                                   .origin = "toy.mml:5", .low = 0, .high = INFINITY};
    slot += 2;
    settings[SAVE] = (MmlSetting){.path = "train.joint.save", .type = MML_EPOCHS, .slot = slot, .flags = MML_SETTING_LIST,
                                  .origin = "toy.mml:40", .low = 1, .high = INFINITY};
    slot += 3;
    settings[LOAD] = (MmlSetting){.path = "train.joint.load", .type = MML_PATH, .each = 1, .slot = slot,
                                  .origin = "toy.mml:41", .low = -INFINITY, .high = INFINITY};
    slot += 2;
    experiment.setting_count = SETTINGS;
    experiment.settings = settings;
    experiment.slot_count = slot;
    experiment.evaluate = evaluate;
}

/* ---- Rules ---- */

/* state: [0] best synergy. */
static void policy_start(MmlRuleContext *context) {
    double tau = context->settings[slot_of("train.unimodal.policy.tau")].r;
    if (!(tau >= 1)) mml_rule_fail(context, "requires tau >= 1 (toy.mml:12)");
    context->state[0].r = -1;
}

static void policy_probe(MmlRuleContext *context, const MmlProbe *probe) {
    double tau = context->settings[slot_of("train.unimodal.policy.tau")].r;
    int strong = probe->unique[1] > probe->unique[0];
    int again = context->settings[slot_of("loud")].i && probe->epoch > 2;
    if (!again && probe->unique[strong] / (probe->unique[!strong] + 1e-8) > tau) mml_rule_only(context, 1 << !strong);
    else mml_rule_all(context);
    mml_text_begin(context->text);
    mml_text_string(context->text, "synergy ");
    mml_text_real(context->text, probe->synergy);
    mml_rule_say(context, mml_text_end(context->text));
    if (probe->synergy > context->state[0].r) context->state[0].r = probe->synergy;
}

/* state: [0] epochs seen, [1] a text about the last one. */
static void method_end_epoch(MmlRuleContext *context, const MmlEpoch *epoch) {
    context->state[0].i++;
    mml_text_begin(context->text);
    mml_text_string(context->text, context->state[1].s);
    mml_text_int(context->text, epoch->index);
    context->state[1].s = mml_text_end(context->text);
    mml_rule_say(context, context->state[1].s);
}

static void method_start(MmlRuleContext *context) { context->state[1].s = "epochs "; }

static const MmlState policy_states[] = {{"best", MML_REAL, 0, 0}};
static const MmlState method_states[] = {{"seen", MML_INT, 0, 0}, {"about", MML_STRING, 0, 1}};
static const MmlRule policy = {"balance", "train.unimodal.policy", 1, 1, policy_states, policy_start, policy_probe, NULL, NULL};
static const MmlRule method = {"telling", "train.joint.method", 2, 2, method_states, method_start, NULL, NULL, method_end_epoch};

/* ---- The experiment ---- */

static const MmlMeasurement measurements[] = {
    {"train.unimodal.probe", MML_MEASURE_PID, NULL}, {"train.unimodal.watch1", MML_MEASURE_MUTUAL_INFORMATION, NULL},
};

static const MmlStage stages[] = {
    {"unimodal", "train.unimodal", MML_STAGE_UNIMODAL, &steps[0], &steps[1], &policy, NULL, 1, 2, measurements, 0, NULL, NULL, NULL},
    {"joint", "train.joint", MML_STAGE_JOINT, &steps[2], &steps[3], NULL, &method, 0, 0, NULL, 0, NULL, NULL, NULL},
};

static const char *const fields[] = {"a", "b", "label"};
static i64 file_slots[2];
static MmlSource source = {"rows", "csv", "data.rows", "toy.mml:3", 2, file_slots, 3, fields};
static const MmlModality modalities[] = {
    {"a", "vector[3]", {1, {A}}, A, 0, "a", 0, NULL, WIDTH}, {"b", "vector[2]", {1, {B}}, B, 0, "b", 0, NULL, WIDTH},
};

MmlExperiment *toy(void) {
    i64 offset = 0;
    for (int p = 0; p < PARAMETERS; p++) {
        parameters[p].offset = offset;
        offset += (parameters[p].count + 15) / 16 * 16;
    }
    experiment = (MmlExperiment){
        .abi = MML_ABI_VERSION, .name = "toy", .file = "toy.mml", .text = "# the toy\n", .hash = "0123abcd", .compiler = "by hand", .flags = "",
        .modality_count = 2, .modalities = modalities, .source_count = 1, .sources = &source,
        .target = {"kind", CLASSES, 0, "label", "toy.mml:9"},
        .parameter_count = PARAMETERS, .parameters = parameters, .parameter_floats = offset,
        .statistic_count = 2, .statistics = statistics, .statistic_floats = 32,
        .stage_count = 2, .stages = stages, .has_fusion = 1,
    };
    lay_out_settings();
    file_slots[0] = slot_of("data.rows.file1");
    file_slots[1] = slot_of("data.rows.file2");
    return &experiment;
}

/* ---- Running it ---- */

/* Classes apart in a, half apart in b; noise by the project's own generator. */
static void write_tables(const char *folder) {
    char path[512];
    MmlRandom random = mml_random(5, MML_STREAM_SPLIT, 0, 0);
    snprintf(path, sizeof path, "%s/a.csv", folder);
    FILE *a = fopen(path, "w");
    snprintf(path, sizeof path, "%s/b.csv", folder);
    FILE *b = fopen(path, "w");
    cr_assert(a && b);
    fprintf(a, "x,y,z,class\n");
    fprintf(b, "u,v,class\n");
    for (int i = 0; i < ROWS; i++) {
        int label = (int)mml_random_below(&random, CLASSES);
        for (int k = 0; k < A; k++) fprintf(a, "%.4f,", 2.0 * (k == label) + 0.7 * mml_random_normal(&random));
        for (int k = 0; k < B; k++) fprintf(b, "%.4f,", 1.0 * (k == label) + 0.7 * mml_random_normal(&random));
        fprintf(a, "%d\n", label);
        fprintf(b, "%d\n", label);
    }
    fclose(a);
    fclose(b);
}

const char *toy_folder(void) {
    static char folder[256];
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/mml-train-XXXXXX", root ? root : "/tmp");
    cr_assert(mkdtemp(folder), "no temporary folder");
    write_tables(folder);
    return folder;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) { return remove(path); }

void toy_remove(const char *folder) { nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static void redirect(const char *folder, const char *name, int descriptor) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, descriptor) < 0) _exit(99);
    close(file);
}

/* The address sanitizer's, where the tests are built with it: 1 when memory has been lost. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

int toy_run(const char *folder, ...) {
    char *arguments[64] = {"./toy"};
    int count = 1;
    va_list list;
    va_start(list, folder);
    for (char *argument; (argument = va_arg(list, char *));) arguments[count++] = argument;
    va_end(list);
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        redirect(folder, "out", STDOUT_FILENO);
        redirect(folder, "err", STDERR_FILENO);
        if (chdir(folder) != 0) _exit(99);
        int code = mml_main(count, arguments, toy());
        fflush(NULL);
        redirect(folder, "leaks", STDERR_FILENO);
        if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) code = 98;
        _exit(code);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

char *toy_read(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "no file %s", path);
    char *text = calloc(1, 1 << 20);
    size_t count = fread(text, 1, (1 << 20) - 1, file);
    text[count] = 0;
    fclose(file);
    return text;
}

void toy_expect_in(const char *folder, const char *name, const char *part) {
    char *text = toy_read(folder, name);
    cr_assert(strstr(text, part), "no '%s' in %s:\n%s", part, name, text);
    free(text);
}

char *toy_without_times(char *text) {
    static const char key[] = "seconds\": ";
    char *out = text;
    for (const char *in = text; *in;) {
        if (strncmp(in, key, sizeof key - 1)) {
            *out++ = *in++;
            continue;
        }
        in += sizeof key - 1;
        in += *in == '{' ? strcspn(in, "}") + 1 : strspn(in, "0123456789.eE+-");
    }
    *out = 0;
    return text;
}
