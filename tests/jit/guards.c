/* What a step computes, leaves alone and hands out, by the flags of its frame. */
#include <math.h>
#include <string.h>
#include "compiled.h"
#include "train/rule_actions.h"

static const char text[] =
    "param share = 0.5\n"
    "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
    "modality a : vector[3] { input = files.a\n encoder = linear(4) -> batchnorm -> tanh }\n"
    "modality b : vector[5] { input = files.b\n encoder = linear(4) -> softplus }\n"
    "target kind : class[3] = files.label\n"
    "fusion = concat -> linear(classes)\n"
    "method own() { state factor = 2.0\n"
    "  loss = ce(joint) + factor * share * ce(head[a])\n predict = 0.5 * joint + head[b] }\n"
    "train { optimizer = sgd(lr = 0.1)\n"
    "  stage unimodal { epochs = 1 }\n"
    "  stage joint { epochs = 1\n method = own() } }\n";

static const MmlStep *unimodal(const Compiled *c) { return c->experiment->stages[0].train; }
static const MmlStep *joint(const Compiled *c)    { return c->experiment->stages[1].train; }

/* Mean cross-entropy of logits, another way than the kernel's. */
static double cross_entropy(const float *logits, const i64 *labels, i64 n, i64 k) {
    double sum = 0;
    for (i64 i = 0; i < n; i++) {
        double total = 0;
        for (i64 j = 0; j < k; j++) total += exp((double)logits[i * k + j]);
        sum += log(total) - (double)logits[i * k + labels[i]];
    }
    return sum / (double)n;
}

static void fill_gradients(Bench *b) {
    for (i64 i = 0; i < b->experiment->parameter_floats; i++) b->frame.gradients[i] = 77;
}

/* Does the step set the gradient of every parameter of this name (a prefix)? */
static int sets(const Bench *b, const char *prefix) {
    int set = -1;
    for (i64 p = 0; p < b->experiment->parameter_count; p++) {
        const MmlParameter *parameter = &b->experiment->parameters[p];
        if (strncmp(parameter->name, prefix, strlen(prefix))) continue;
        for (i64 i = 0; i < parameter->count; i++) {
            int changed = b->frame.gradients[parameter->offset + i] != 77;
            cr_assert(set < 0 || set == changed, "%s: some gradients are set and some not", parameter->name);
            set = changed;
        }
    }
    return set;
}

Test(guards, a_paused_modality_of_a_unimodal_stage_does_not_run) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, unimodal(&c), 4, 6, 2);
    b.forward[0] = b.active[0] = b.training[0] = 0;
    float mean[16];
    memcpy(mean, b.frame.statistics, sizeof mean);
    fill_gradients(&b);
    bench_run(&b);
    cr_expect_null(b.features[0]);
    cr_expect_null(b.logits[0]);
    cr_assert_not_null(b.logits[1]);
    cr_expect_null(b.logits[2]);
    cr_expect_null(b.frame.prediction);
    cr_expect_float_eq(b.frame.loss, cross_entropy(b.logits[1], b.labels, 4, 3), 1e-6);
    cr_expect_eq(sets(&b, "encoder.a."), 0);
    cr_expect_eq(sets(&b, "head.a."), 0);
    cr_expect_eq(sets(&b, "encoder.b."), 1);
    cr_expect_eq(sets(&b, "head.b."), 1);
    cr_expect_eq(sets(&b, "fusion."), 0);
    cr_expect_arr_eq(mean, b.frame.statistics, sizeof mean);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, a_paused_modality_may_run_forward_without_gradients) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, unimodal(&c), 4, 4, 2);
    b.active[0] = 0;
    float mean = b.frame.statistics[0];
    fill_gradients(&b);
    bench_run(&b);
    cr_assert_not_null(b.logits[0]);
    cr_expect_eq(sets(&b, "encoder.a."), 0);
    cr_expect_neq(mean, b.frame.statistics[0]);
    cr_expect_float_eq(b.frame.loss, cross_entropy(b.logits[1], b.labels, 4, 3), 1e-6);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, a_unimodal_step_sums_the_losses_of_its_heads) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, unimodal(&c), 4, 4, 2);
    bench_run(&b);
    cr_expect_float_eq(b.frame.loss, cross_entropy(b.logits[0], b.labels, 4, 3) + cross_entropy(b.logits[1], b.labels, 4, 3), 1e-6);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, an_evaluation_counts_every_head_that_ran) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, c.experiment->stages[0].evaluate, 4, 4, 2);
    b.active[0] = b.active[1] = 0;
    bench_run(&b);
    cr_expect_float_eq(b.frame.loss, cross_entropy(b.logits[0], b.labels, 4, 3) + cross_entropy(b.logits[1], b.labels, 4, 3), 1e-6);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, a_paused_modality_of_a_joint_stage_runs_forward_only) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, joint(&c), 4, 4, 2);
    b.frame.state = (MmlValue[]){{.r = 2.0}};
    fill_gradients(&b);
    bench_run(&b);
    double loss = b.frame.loss;
    float with_both[64];
    memcpy(with_both, b.frame.gradients, sizeof with_both);
    cr_expect_eq(sets(&b, "encoder.a."), 1);
    cr_expect_eq(sets(&b, "head.a."), 1);
    cr_expect_eq(sets(&b, "head.b."), 0);

    b.active[0] = 0;
    fill_gradients(&b);
    bench_run(&b);
    cr_expect_eq(b.frame.loss, loss);
    cr_expect_eq(sets(&b, "encoder.a."), 0);
    cr_expect_eq(sets(&b, "head.a."), 0);
    cr_expect_eq(sets(&b, "encoder.b."), 1);
    cr_expect_eq(sets(&b, "fusion."), 1);
    const MmlParameter *other = parameter_named(c.experiment, "encoder.b.0.weight");
    if (other->offset + other->count <= 64)
        cr_expect_arr_eq(with_both + other->offset, b.frame.gradients + other->offset, sizeof(float) * (size_t)other->count);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, a_joint_loss_reads_settings_and_the_state_of_its_method) {
    const char *given[] = {"share=0.25", NULL};
    Compiled c = compile_with("guards.mml", text, given);
    Bench b = bench_new(&c, joint(&c), 4, 4, 2);
    b.frame.state = (MmlValue[]){{.r = 3.0}};
    bench_run(&b);
    double expected = cross_entropy(b.logits[2], b.labels, 4, 3) + 3.0 * 0.25 * cross_entropy(b.logits[0], b.labels, 4, 3);
    cr_expect_float_eq(b.frame.loss, expected, 1e-6);
    for (int i = 0; i < 12; i++) cr_expect_float_eq(b.frame.prediction[i], 0.5 * b.logits[2][i] + b.logits[1][i], 1e-6);
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, a_step_tells_the_settings_that_it_reads) {
    Compiled c = compile("guards.mml", text);
    const MmlSetting *share = mml_setting_find(c.experiment, "share");
    cr_assert_not_null(share);
    for (i64 slot = 0; slot < c.experiment->slot_count; slot++) {
        cr_expect_eq(joint(&c)->reads[slot], slot == share->slot);
        cr_expect_eq(unimodal(&c)->reads[slot], 0);
    }
    compiled_free(&c);
}

Test(guards, the_method_starts_with_the_first_values_of_its_state) {
    Compiled c = compile("guards.mml", text);
    const MmlRule *method = c.experiment->stages[1].method;
    MmlValue state[4] = {{.r = -1}};
    MmlRuleContext context = {.text = c.settings.text, .settings = c.settings.values, .state = state, .modalities = 2};
    cr_assert_eq(method->state_count, 1);
    cr_assert_not_null(method->start);
    method->start(&context);
    cr_expect_eq(state[0].r, 2.0);
    compiled_free(&c);
}

Test(guards, results_do_not_depend_on_the_capacity) {
    Compiled c = compile("guards.mml", text);
    const MmlStep *steps[] = {unimodal(&c), joint(&c), c.experiment->stages[0].evaluate, c.experiment->stages[1].evaluate};
    for (int s = 0; s < 4; s++) {
        double losses[2];
        for (int i = 0; i < 2; i++) {
            Bench b = bench_new(&c, steps[s], 3, 3, 2), wide = bench_new(&c, steps[s], 3, 65, 2);
            Bench *at = i ? &wide : &b;
            if (i) for (int m = 0; m < 2; m++) memcpy(wide.inputs[m], b.inputs[m], sizeof(float) * 3 * (size_t)c.experiment->modalities[m].size);
            if (i) memcpy(wide.labels, b.labels, sizeof(i64) * 3);
            at->frame.state = (MmlValue[]){{.r = 2.0}};
            bench_run(at);
            losses[i] = at->frame.loss;
            bench_free(&b);
            bench_free(&wide);
        }
        cr_expect_eq(losses[0], losses[1], "%s", steps[s]->name);
    }
    compiled_free(&c);
}

Test(guards, a_number_that_can_not_be_computed_makes_the_loss_nan) {
    Compiled c = compile("number.mml",
        "param zero = 0\n"
        "data files = csv(\"a.csv\", label = last, test = every(4, 3))\n"
        "modality a : vector[3] { input = files.a\n encoder = linear(4) -> tanh }\n"
        "target kind : class[3] = files.label\n"
        "fusion = concat -> linear(classes)\n"
        "method own() { loss = (7 div zero) * ce(joint) }\n"
        "train { optimizer = sgd(lr = 0.1)\n stage joint { epochs = 1\n method = own() } }\n");
    Bench b = bench_new(&c, c.experiment->stages[0].train, 4, 4, 2);
    bench_run(&b);
    cr_expect(isnan(b.frame.loss));
    const char *failure = mml_rule_failure();
    cr_assert_not_null(failure);
    cr_expect_str_eq(failure, "number.mml:7:23: division by zero");
    cr_expect_null(mml_rule_failure());
    bench_free(&b);
    compiled_free(&c);
}

Test(guards, sixteen_modalities_run_together) {
    Arena *arena = arena_new();
    const char *files = "", *modalities = "";
    for (int m = 0; m < MML_MAX_MODALITIES; m++) {
        files      = arena_printf(arena, "%s\"f%d.csv\", ", files, m);
        modalities = arena_printf(arena, "%smodality m%d : vector[3] { input = files.f%d\n encoder = linear(2) -> tanh }\n", modalities, m, m);
    }
    Compiled c = compile("many.mml", arena_printf(arena,
        "data files = csv(%slabel = last, test = every(4, 3))\n%s"
        "target kind : class[3] = files.label\nfusion = concat -> linear(classes)\n"
        "method own() { loss = ce(joint) + sum(m in modalities: ce(head[m]) + ce(split[m])) }\n"
        "train { optimizer = sgd(lr = 0.1)\n stage joint { epochs = 1\n method = own() } }\n", files, modalities));
    Bench b = bench_new(&c, c.experiment->stages[0].train, 4, 4, 2);
    fill_gradients(&b);
    bench_run(&b);
    double expected = cross_entropy(b.logits[MML_MAX_MODALITIES], b.labels, 4, 3);
    for (int m = 0; m < MML_MAX_MODALITIES; m++) expected += cross_entropy(b.logits[m], b.labels, 4, 3);
    cr_expect_gt(b.frame.loss, expected);
    for (i64 p = 0; p < c.experiment->parameter_count; p++) cr_expect_eq(sets(&b, c.experiment->parameters[p].name), 1, "%s", c.experiment->parameters[p].name);
    bench_free(&b);
    compiled_free(&c);
    arena_free(arena);
}

/* ---- Trace ---- */

typedef struct { i64 next; i64 counts[64]; int wrong; } Seen;

static void see(MmlFrame *frame, i64 node, const float *value, i64 count) {
    Seen *seen = frame->trace_context;
    seen->wrong |= node != seen->next || !isfinite(value[0]) || !isfinite(value[count - 1]);
    seen->counts[seen->next++] = count;
}

Test(guards, the_trace_names_every_layer_in_order) {
    Compiled c = compile("guards.mml", text);
    Bench b = bench_new(&c, joint(&c), 4, 9, 2);
    Seen seen = {0};
    b.frame.state = (MmlValue[]){{.r = 2.0}};
    b.frame.trace = see;
    b.frame.trace_context = &seen;
    bench_run(&b);
    cr_expect_eq(seen.wrong, 0);
    cr_assert_eq(seen.next, b.step->node_count);
    const char *names[] = {"encoder.a.0", "encoder.a.1", "encoder.a.2", "encoder.b.0", "encoder.b.1", "fusion.concat", "fusion.linear", "loss.ce",
                           "head.a.linear", "loss.ce", "head.b.linear"};
    const i64 counts[] = {16, 16, 16, 16, 16, 32, 12, 1, 12, 1, 12};
    cr_assert_eq(b.step->node_count, (i64)(sizeof counts / sizeof *counts), "%lld nodes", (long long)b.step->node_count);
    for (i64 n = 0; n < b.step->node_count; n++) {
        cr_expect_str_eq(b.step->nodes[n], names[n]);
        cr_expect_eq(seen.counts[n], counts[n], "%s: %lld", names[n], (long long)seen.counts[n]);
    }
    bench_free(&b);
    compiled_free(&c);
}
