/* The gradient of every layer, through a compiled step, against central
 * differences of that step's own loss. Both are of single precision: with a
 * step of 4e-3 the differences are good to about 1e-4. */
#include <math.h>
#include <string.h>
#include "compiled.h"

/* Both modalities of one type and one encoder; type: "vector[n]" or "image[1, h, w]". */
static const char *program(Arena *arena, const char *type, const char *encoder, const char *fusion, const char *loss) {
    int image = !strncmp(type, "image", 5), vector = !strncmp(type, "vector", 6);
    return arena_printf(arena,
        "use encoders\n"
        "data files = %s\n"
        "modality a : %s { input = files.%s\n encoder = %s }\n"
        "modality b : %s { input = files.%s\n encoder = %s }\n"
        "target kind : class[3] = files.label\n"
        "fusion = %s\n"
        "method own() { loss = %s }\n"
        "train { optimizer = sgd(lr = 1e-2)\n"
        "  stage unimodal { epochs = 1 }\n"
        "  stage joint { epochs = 1\n method = own() } }\n",
        image ? "idx(\"folder\")" : !vector ? "npz(\"arrays.npz\")" : "csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))",
        type, image ? "image" : "a", encoder, type, image ? "image" : "b", encoder, fusion, loss);
}

static double loss_at(Bench *b, i64 index, float value) {
    float before = b->frame.parameters[index];
    b->frame.parameters[index] = value;
    bench_run(b);
    b->frame.parameters[index] = before;
    return b->frame.loss;
}

static double difference_at(Bench *b, i64 at, float h) {
    float here = b->frame.parameters[at];
    return (loss_at(b, at, here + h) - loss_at(b, at, here - h)) / ((double)(here + h) - (double)(here - h));
}

/* Every reached parameter's gradient; parameters that are not reached keep what was in their place. */
static void check_step(const Compiled *c, const MmlStep *step, const char *what) {
    const MmlExperiment *e = c->experiment;
    Bench b = bench_new(c, step, 5, 7, 11);
    for (i64 i = 0; i < e->parameter_floats; i++) b.frame.gradients[i] = 77;
    bench_run(&b);
    cr_assert(isfinite(b.frame.loss), "%s: loss %g", what, b.frame.loss);
    float *gradients = MML_NEW(b.memory, float, e->parameter_floats);
    memcpy(gradients, b.frame.gradients, sizeof(float) * (size_t)e->parameter_floats);
    int compared = 0, kinks = 0;
    for (i64 p = 0; p < e->parameter_count; p++) {
        const MmlParameter *parameter = &e->parameters[p];
        for (i64 i = 0; i < parameter->count; i++) {
            i64 at = parameter->offset + i;
            if (!step->reached[p]) {
                cr_assert_eq(gradients[at], 77, "%s: %s is not reached and was changed", what, parameter->name);
                continue;
            }
            double difference = difference_at(&b, at, 4e-3f), tolerance = 4e-4 + 4e-3 * fabs(difference);
            compared++;
            if (fabs(difference - gradients[at]) <= tolerance) continue;
            /* a kink of relu or maxpool lies between: then a smaller step disagrees with the larger one */
            double nearer = difference_at(&b, at, 1e-3f);
            cr_assert(fabs(nearer - difference) > tolerance / 2, "%s: %s[%lld]: gradient %g, difference %g",
                      what, parameter->name, (long long)i, gradients[at], difference);
            kinks++;
        }
    }
    cr_assert(kinks * 5 <= compared, "%s: %d of %d gradients could not be compared", what, kinks, compared);
    bench_free(&b);
}

static void check_program(const char *type, const char *encoder, const char *fusion, const char *loss) {
    Arena *arena = arena_new();
    Compiled c = compile("gradient.mml", program(arena, type, encoder, fusion, loss));
    check_step(&c, c.experiment->stages[0].train, arena_printf(arena, "%s, unimodal", encoder));
    check_step(&c, c.experiment->stages[1].train, arena_printf(arena, "%s, %s, %s", encoder, fusion, loss));
    compiled_free(&c);
    arena_free(arena);
}

#define BOTH "ce(joint) + 0.5 * sum(m in modalities: ce(head[m]))"

static void check_encoder(const char *type, const char *encoder) { check_program(type, encoder, "concat -> linear(classes)", BOTH); }

#define LAYER_TEST(name, type, encoder) Test(gradients, name) { check_encoder(type, encoder); }

LAYER_TEST(linear,               "vector[5]",     "linear(3)")
LAYER_TEST(linear_without_bias,  "vector[5]",     "linear(4, bias = false) -> tanh -> linear(2)")
LAYER_TEST(conv,                 "image[1, 5, 4]", "conv(2, 3) -> tanh -> conv(3, 3) -> tanh -> avgpool -> linear(2)")
LAYER_TEST(conv_with_stride_pad_and_groups, "image[1, 6, 5]", "conv(2, 1) -> conv(4, 3, stride = 2, pad = 1, groups = 2) -> tanh -> conv(2, 2, pad = 0, bias = false) -> flatten -> linear(2)")
LAYER_TEST(dilated_conv,         "image[1, 6, 6]", "conv(2, 3, pad = 2, dilation = 2) -> sigmoid -> avgpool -> linear(2)")
LAYER_TEST(batchnorm,            "image[1, 3, 3]", "batchnorm -> conv(3, 3) -> batchnorm -> tanh -> avgpool -> linear(2)")
LAYER_TEST(layernorm,            "vector[4]",     "linear(5) -> layernorm -> tanh -> linear(2)")
LAYER_TEST(leaky_relu,           "vector[4]",     "linear(5) -> leaky_relu -> linear(2)")
LAYER_TEST(relu,                 "vector[4]",     "linear(5) -> relu -> linear(2)")
LAYER_TEST(gelu,                 "vector[4]",     "linear(5) -> gelu -> linear(2)")
LAYER_TEST(sigmoid_and_softplus, "vector[4]",     "linear(5) -> sigmoid -> linear(4) -> softplus -> linear(2)")
LAYER_TEST(smoothed_relu,        "vector[4]",     "linear(5) -> smoothed_relu(1.0, 3.0) -> linear(2)")
LAYER_TEST(scale,                "vector[4]",     "linear(5) -> scale(0.7) -> tanh -> scale(1.5) -> linear(2)")
LAYER_TEST(maxpool,              "image[1, 6, 6]", "conv(2, 3) -> maxpool(2) -> flatten -> linear(2)")
LAYER_TEST(avgpool,              "image[1, 6, 6]", "conv(2, 3) -> avgpool(3, stride = 2, pad = 1) -> tanh -> flatten -> linear(2)")
LAYER_TEST(dropout,              "vector[6]",     "linear(8) -> dropout(0.5) -> tanh -> linear(4) -> dropout(0.25) -> linear(2)")
LAYER_TEST(normalize,            "vector[4]",     "linear(5) -> normalize -> linear(2)")
LAYER_TEST(residual,             "vector[4]",     "linear(4) -> (tanh -> linear(4)) + identity -> tanh -> linear(2)")
LAYER_TEST(a_value_used_three_times, "vector[4]", "linear(4) -> (tanh -> linear(4)) + (sigmoid -> linear(4)) + identity -> softplus -> linear(2)")
LAYER_TEST(a_residual_without_parameters, "vector[4]", "linear(3) -> identity + tanh -> linear(2)")
LAYER_TEST(concat,               "image[1, 4, 4]", "conv(2, 3) -> concat(conv(2, 1) -> tanh, identity, conv(1, 3)) -> sigmoid -> avgpool -> linear(2)")
LAYER_TEST(frames,               "video[3, 1, 4, 4]", "each(conv(2, 3) -> batchnorm -> tanh -> maxpool(2) -> avgpool -> dropout(0.3) -> linear(3)) -> mean -> linear(2)")
LAYER_TEST(frames_of_features,   "tensor[3, 4]",  "each(linear(4) -> layernorm -> gelu + identity -> normalize) -> mean -> linear(2)")
LAYER_TEST(a_mean_of_pictures,   "video[2, 1, 4, 4]", "each(concat(conv(2, 3), identity) -> sigmoid) -> mean -> conv(2, 3) -> avgpool -> linear(2)")
LAYER_TEST(frames_by_two_encoders, "video[2, 1, 4, 4]", "concat(each(linear(3) -> tanh) -> mean, linear(2)) -> linear(2)")
LAYER_TEST(residual_blocks,      "image[1, 5, 5]", "conv(2, 3) -> basic_block(2) -> basic_block(3, 2) -> avgpool -> linear(2)")

Test(gradients, sum_fusion)           { check_program("vector[3]", "linear(3) -> tanh", "sum(linear(classes))", BOTH); }
Test(gradients, film_fusion)          { check_program("vector[3]", "linear(3) -> tanh", "film -> linear(classes)", BOTH); }
Test(gradients, film_by_the_second)   { check_program("vector[3]", "linear(4) -> tanh", "film(by = b) -> linear(5) -> tanh -> linear(classes)", BOTH); }
Test(gradients, gated_fusion)         { check_program("vector[3]", "linear(3) -> tanh", "gated -> linear(classes)", BOTH); }
Test(gradients, gated_by_the_second)  { check_program("vector[3]", "linear(4) -> tanh", "gated(by = b) -> linear(classes)", "ce(joint)"); }
Test(gradients, film_of_raw_inputs)  { check_program("vector[3]", "identity", "film -> linear(classes)", BOTH); }
Test(gradients, deep_fusion)          { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(5) -> tanh -> linear(classes)", BOTH); }
Test(gradients, split_of_concat)      { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "ce(joint) + ce(split[a]) + 0.3 * ce(split[b])"); }
Test(gradients, split_of_sum)         { check_program("vector[3]", "linear(3) -> tanh", "sum(linear(classes))", "ce(split[a]) + ce(joint)"); }
Test(gradients, mse)                  { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "mse(feature[a], feature[b]) + mse(joint, head[a])"); }
Test(gradients, kl)                   { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "kl(joint, head[a]) + kl(head[b], joint)"); }
Test(gradients, entropy)              { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "ce(joint) - 0.4 * entropy(joint) + entropy(head[a])"); }
Test(gradients, confidence)           { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "mean(confidence(joint)) + sum(confidence(head[a])) / sum(confidence(head[b]))"); }
Test(gradients, softmax)              { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "mse(softmax(joint), 0.5 * softmax(head[a]) + softmax(head[b]) / 2) - 0.3 * mse(-softmax(joint), softmax(head[b]))"); }
Test(gradients, samples)              { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "mean(log(1.5 - confidence(joint)) * exp(confidence(head[a])) / (1 + confidence(head[b]))) - mean(-confidence(joint) * ce(joint))"); }
Test(gradients, arithmetic_of_losses) { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "exp(0.2 * ce(joint)) * log(1 + ce(head[a])) / (2 + ce(head[b])) - (-ce(joint))"); }
Test(gradients, arithmetic_of_logits) { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "ce(0.5 * joint - head[a] / 2 + (-head[b])) + ce(joint * 3)"); }
Test(gradients, sums_over_modalities) { check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "ce(sum(m in modalities: head[m])) + mean(m in modalities: ce(head[m]))"); }

#define SOFT_TEST(name, loss) Test(gradients, name) { check_program("vector[3]", "linear(4) -> tanh", "concat -> linear(classes)", loss); }

SOFT_TEST(synergy_of_soft_assignments,  "ce(joint) - 0.5 * synergy(soft(feature, bins = kmeans(3, pca = 2)))")
SOFT_TEST(every_atom_of_one_table,      "synergy(soft(feature, bins = kmeans(3, pca = 0))) - 2 * redundancy(soft(feature, bins = kmeans(3, pca = 0)))"
                                        " + exp(unique(soft(feature, bins = kmeans(3, pca = 0)), a)) * unique(soft(feature, bins = kmeans(3, pca = 0)), b)")
SOFT_TEST(student_assignments_of_plain_features, "mean(m in modalities: ce(head[m])) - unique(soft(feature, bins = kmeans(2, pca = 3, normalize = none), assignment = student, temperature = 0.8), a)")
SOFT_TEST(one_soft_assignment_stopped,  "1.5 * synergy(soft(feature[b], bins = kmeans(3)), stop(soft(feature[a], bins = kmeans(2))))")

/* ---- regularize ---- */

static double joint_loss(const char *loss, int evaluation) {
    Arena *arena = arena_new();
    Compiled c = compile("regularize.mml", program(arena, "vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", loss));
    const MmlStage *stage = &c.experiment->stages[1];
    Bench b = bench_new(&c, evaluation ? stage->evaluate : stage->train, 4, 4, 5);
    bench_run(&b);
    double result = b.frame.loss;
    bench_free(&b);
    compiled_free(&c);
    arena_free(arena);
    return result;
}

Test(gradients, a_regulariser_is_a_term_of_the_training_step_and_not_of_the_evaluation) {
    const char *regularised = "ce(joint)\n regularize = 0.5 * entropy(head[a])";
    cr_expect_eq(joint_loss(regularised, 0), joint_loss("ce(joint) + 0.5 * entropy(head[a])", 0));
    cr_expect_neq(joint_loss(regularised, 0), joint_loss("ce(joint)", 0));
    cr_expect_eq(joint_loss(regularised, 1), joint_loss("ce(joint)", 1));
    check_program("vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", regularised);
}

/* ---- What has no gradient ---- */

static double gradient_norm(const Bench *b, const char *parameter) {
    const MmlParameter *p = parameter_named(b->experiment, parameter);
    double sum = 0;
    for (i64 i = 0; i < p->count; i++) sum += fabs((double)b->frame.gradients[p->offset + i]);
    return sum;
}

Test(gradients, stop_cuts_and_what_stands_behind_it_is_not_reached) {
    Arena *arena = arena_new();
    Compiled c = compile("stop.mml", program(arena, "vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "mse(feature[a], stop(feature[b])) + ce(stop(head[b]))"));
    const MmlStep *step = c.experiment->stages[1].train;
    for (i64 p = 0; p < c.experiment->parameter_count; p++) {
        const char *name = c.experiment->parameters[p].name;
        cr_expect_eq(step->reached[p], !strncmp(name, "encoder.a.", 10), "%s: %lld", name, (long long)step->reached[p]);
    }
    check_step(&c, step, "stop");
    compiled_free(&c);
    arena_free(arena);
}

Test(gradients, the_weight_of_ce_is_a_constant) {
    Arena *arena = arena_new();
    Compiled c = compile("weight.mml", program(arena, "vector[3]", "linear(3) -> tanh", "concat -> linear(classes)", "ce(joint, weight = confidence(head[a]))"));
    const MmlStep *step = c.experiment->stages[1].train;
    for (i64 p = 0; p < c.experiment->parameter_count; p++)
        cr_expect_eq(step->reached[p], strncmp(c.experiment->parameters[p].name, "head.", 5) != 0);
    Bench b = bench_new(&c, step, 4, 4, 3);
    bench_run(&b);
    cr_assert_gt(gradient_norm(&b, "fusion.weight"), 0);
    bench_free(&b);
    compiled_free(&c);
    arena_free(arena);
}
