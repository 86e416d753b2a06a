/* Steps in the blocked layout against the same steps on the reference kernels:
 * equal but for rounding, whatever the chain of layers. */
#include <math.h>
#include <string.h>
#include "compiled.h"

static const char *program(Arena *arena, const char *type, const char *encoder) {
    return arena_printf(arena,
        "use encoders, methods\n"
        "data files = npz(\"arrays.npz\")\n"
        "modality a : %s { input = files.image\n encoder = %s }\n"
        "modality b : %s { input = files.image\n encoder = %s }\n"
        "target kind : class[3] = files.label\n"
        "fusion = concat -> linear(classes)\n"
        "train { optimizer = sgd(lr = 1e-2)\n"
        "  stage unimodal { epochs = 1 }\n"
        "  stage joint { epochs = 1\n method = uniform() } }\n", type, encoder, type, encoder);
}

/* By the largest of each: what is summed from many parts is as exact as they are. */
static void compare(const char *what, const char *part, const float *fast, const float *reference, i64 count, double bound) {
    double largest = 0, worst = 0;
    for (i64 i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)reference[i]));
        double difference = fabs((double)fast[i] - (double)reference[i]);
        if (!(difference <= worst)) worst = difference;
    }
    cr_expect(worst <= bound * fmax(largest, 1e-3), "%s: %s differs by %g of %g", what, part, worst, largest);
}

typedef enum { TRAINS, EVALUATES, PAUSES_THE_FIRST } Mode;

static void set_mode(Bench *bench, const MmlExperiment *e, Mode mode) {
    i64 groups = mode == EVALUATES ? e->modality_count + 1 : mode == PAUSES_THE_FIRST;
    for (i64 g = 0; g < groups; g++) bench->training[g] = 0;
    if (mode == PAUSES_THE_FIRST) bench->active[0] = 0;
    for (i64 i = 0; i < e->statistic_floats; i++) bench->frame.statistics[i] = 0.5f + 0.1f * (float)(i % 7);
}

static void compare_steps(const Compiled *c, const MmlStep *fast, const MmlStep *reference, Mode mode, const char *what) {
    const MmlExperiment *e = c->experiment;
    Bench a = bench_new(c, fast, 5, 7, 3), b = bench_new(c, reference, 5, 7, 3);
    set_mode(&a, e, mode);
    set_mode(&b, e, mode);
    /* where batch norm comes first: also with factors that nothing can be divided by */
    for (i64 p = 0; p < e->parameter_count; p++)
        if (e->parameters[p].kind == MML_PARAM_NORM && strstr(what, "batchnorm -> conv(9, 5"))
            a.frame.parameters[e->parameters[p].offset] = b.frame.parameters[e->parameters[p].offset] = (float)(p % 2) * 0.01f;
    bench_run(&a);
    bench_run(&b);
    cr_assert(isfinite(b.frame.loss), "%s: loss %g", what, b.frame.loss);
    cr_expect(fabs(a.frame.loss - b.frame.loss) <= 1e-4 * fabs(b.frame.loss), "%s: loss %.9g and %.9g", what, a.frame.loss, b.frame.loss);
    for (i64 m = 0; m < e->modality_count; m++)
        compare(what, "a feature", a.features[m], b.features[m], 5 * e->modalities[m].width, 1e-4);
    for (i64 p = 0; p < e->parameter_count; p++) {
        const MmlParameter *parameter = &e->parameters[p];
        cr_expect_eq(fast->reached[p], reference->reached[p]);
        if (mode == EVALUATES || !fast->reached[p] || !a.active[parameter->group]) continue;
        compare(what, parameter->name, a.frame.gradients + parameter->offset, b.frame.gradients + parameter->offset, parameter->count, 1e-3);
    }
    compare(what, "a running statistic", a.frame.statistics, b.frame.statistics, e->statistic_floats, 1e-4);
    bench_free(&a);
    bench_free(&b);
}

static void check(const char *type, const char *encoder) {
    Arena *arena = arena_new();
    Compiled c = compile("layout.mml", program(arena, type, encoder));
    for (int s = 0; s < 2; s++) {
        const MmlStage *stage = &c.experiment->stages[s];
        cr_expect_neq(stage->train, stage->reference_train, "%s runs nothing in the blocked layout", encoder);
        compare_steps(&c, stage->train, stage->reference_train, TRAINS, arena_printf(arena, "%s, %s", encoder, stage->name));
        compare_steps(&c, stage->evaluate, stage->reference_evaluate, EVALUATES, arena_printf(arena, "%s, %s evaluation", encoder, stage->name));
        if (stage->kind == MML_STAGE_JOINT)
            compare_steps(&c, stage->train, stage->reference_train, PAUSES_THE_FIRST, arena_printf(arena, "%s, %s paused", encoder, stage->name));
    }
    compiled_free(&c);
    arena_free(arena);
}

Test(layouts, a_plain_chain_is_the_same)               { check("image[3, 13, 10]", "conv(9, 3) -> relu -> conv(5, 3) -> flatten -> linear(4)"); }
Test(layouts, the_small_encoder_is_the_same)           { check("image[1, 28, 28]", "cnn4() -> linear(8)"); }
Test(layouts, a_normalised_input_is_the_same)          { check("image[3, 13, 10]", "batchnorm -> conv(9, 5, stride = 2, pad = 2) -> relu -> avgpool -> linear(4)"); }
Test(layouts, a_relu_before_pooling_is_the_same)       { check("image[3, 13, 10]", "conv(9, 3) -> batchnorm -> relu -> maxpool(3, stride = 2, pad = 1) -> conv(9, 3) -> relu -> maxpool(2, stride = 2) -> avgpool -> linear(4)"); }
Test(layouts, batch_norm_alone_is_the_same)            { check("image[2, 9, 11]", "conv(12, 3) -> batchnorm -> avgpool -> linear(4)"); }
Test(layouts, batch_norm_with_relu_is_the_same)        { check("image[2, 9, 11]", "conv(12, 3, stride = 2) -> batchnorm -> relu -> conv(20, 1) -> batchnorm -> relu -> avgpool -> linear(4)"); }
Test(layouts, residual_blocks_are_the_same)            { check("image[3, 17, 19]", "conv(10, 3) -> basic_block(10) -> basic_block(18, stride = 2) -> avgpool -> linear(4)"); }
Test(layouts, a_sum_without_relu_is_the_same)          { check("image[2, 8, 8]", "conv(6, 3) -> (conv(6, 3) -> batchnorm) + identity -> avgpool -> linear(4)"); }
Test(layouts, a_sum_without_batch_norm_is_the_same)    { check("image[2, 8, 8]", "conv(6, 3) -> conv(6, 5) + identity -> relu -> flatten -> linear(4)"); }
Test(layouts, a_sum_of_two_batch_norms_is_the_same)    { check("image[2, 8, 8]", "conv(6, 3) -> (conv(6, 3) -> batchnorm) + (conv(6, 1) -> batchnorm) -> relu -> avgpool -> linear(4)"); }
Test(layouts, what_is_read_twice_is_the_same)          { check("image[2, 8, 8]", "conv(6, 3) -> batchnorm -> relu + identity -> avgpool -> linear(4)"); }
Test(layouts, pooling_is_the_same)                     { check("image[3, 15, 14]", "conv(7, 3) -> maxpool(3, stride = 2, pad = 1) -> relu -> conv(9, 3) -> maxpool(2, stride = 2) -> flatten -> linear(4)"); }
Test(layouts, means_of_windows_are_the_same)           { check("image[3, 15, 14]", "conv(7, 3) -> avgpool(3, stride = 2, pad = 1) -> conv(9, 3) -> avgpool -> linear(4)"); }
Test(layouts, activations_that_keep_zero_are_the_same) { check("image[3, 9, 9]", "conv(7, 3) -> leaky_relu(0.1) -> conv(7, 3) -> gelu -> conv(7, 3) -> tanh -> avgpool -> linear(4)"); }
Test(layouts, plain_layers_between_are_the_same)       { check("image[3, 9, 9]", "conv(7, 3) -> sigmoid -> conv(7, 3) -> softplus -> flatten -> linear(4)"); }
Test(layouts, dilated_and_grouped_layers_are_the_same) { check("image[4, 9, 9]", "conv(8, 3) -> conv(8, 3, groups = 2) -> relu -> conv(8, 3) -> avgpool -> linear(4)"); }
Test(layouts, convolutions_behind_other_layers_are_the_same) { check("image[3, 9, 9]", "conv(7, 3) -> relu -> avgpool -> conv(5, 1) -> flatten -> linear(4)"); }
Test(layouts, convolutions_behind_concat_are_the_same)  { check("image[3, 9, 9]", "concat(conv(5, 3) -> relu, conv(7, 1)) -> conv(6, 3) -> layernorm -> conv(3, 3) -> avgpool -> linear(4)"); }
Test(layouts, frames_are_the_same)                      { check("video[3, 2, 12, 10]", "each(batchnorm -> conv(9, 3) -> batchnorm -> relu -> maxpool(3, stride = 2, pad = 1) -> dropout(0.2) -> basic_block(18, stride = 2) -> avgpool) -> mean -> linear(4)"); }
Test(layouts, a_mean_of_pictures_is_the_same)           { check("video[4, 3, 9, 8]", "each(conv(7, 3) -> relu) -> mean -> conv(5, 3) -> batchnorm -> avgpool -> linear(4)"); }
Test(layouts, frames_before_each_are_the_same)          { check("video[2, 9, 9, 8]", "relu -> each(conv(7, 3) -> tanh -> flatten -> normalize -> linear(3)) -> mean"); }
Test(layouts, dropout_between_is_the_same)             { check("image[3, 9, 9]", "conv(7, 3) -> dropout(0.3) -> conv(7, 3) -> avgpool -> linear(4)"); }
