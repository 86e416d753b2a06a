/* each(f) -> mean against f alone: a clip of one frame is its picture, and a clip of three is three
 * pictures whose features are averaged by hand. */
#include <math.h>
#include <string.h>
#include "compiled.h"

#define CNN "conv(9, 3) -> batchnorm -> relu -> maxpool(2) -> conv(5, 3) -> tanh -> avgpool"
#define FEATURE 5

static const char *program(Arena *arena, const char *type, const char *encoder) {
    return arena_printf(arena,
        "data files = npz(\"arrays.npz\")\n"
        "modality a : %s { input = files.image\n encoder = %s\n head = linear(classes) }\n"
        "target kind : class[3] = files.label\n"
        "train { optimizer = sgd(lr = 1e-2)\n stage unimodal { epochs = 1 } }\n", type, encoder);
}

static Compiled compiled(const char *type, const char *encoder) {
    Arena *arena = arena_new();
    Compiled c = compile("clips.mml", program(arena, type, encoder));
    arena_free(arena);
    return c;
}

static void same_bits(const char *what, const float *a, const float *b, i64 count) {
    for (i64 i = 0; i < count; i++) cr_assert_eq(memcmp(a + i, b + i, sizeof *a), 0, "%s[%lld]: %.9g and %.9g", what, (long long)i, a[i], b[i]);
}

static void check_one_frame(const MmlStep *of_clip, const MmlStep *of_picture, const Compiled *clip, const Compiled *picture) {
    Bench a = bench_new(clip, of_clip, 5, 7, 3), b = bench_new(picture, of_picture, 5, 7, 3);
    bench_run(&a);
    bench_run(&b);
    cr_assert(isfinite(a.frame.loss));
    cr_expect_eq(a.frame.loss, b.frame.loss, "%.17g and %.17g", a.frame.loss, b.frame.loss);
    same_bits("logits", a.logits[0], b.logits[0], 5 * 3);
    same_bits("feature", a.features[0], b.features[0], 5 * clip->experiment->modalities[0].width);
    same_bits("statistics", a.frame.statistics, b.frame.statistics, clip->experiment->statistic_floats);
    if (of_clip == clip->experiment->stages[0].train || of_clip == clip->experiment->stages[0].reference_train)
        same_bits("gradients", a.frame.gradients, b.frame.gradients, clip->experiment->parameter_floats);
    bench_free(&a);
    bench_free(&b);
}

Test(clips, of_one_frame_train_as_their_picture_to_the_last_bit) {
    Compiled clip = compiled("video[1, 3, 12, 10]", "each(" CNN " -> dropout(0.3)) -> mean -> flatten");
    Compiled picture = compiled("image[3, 12, 10]", "(" CNN " -> dropout(0.3)) -> identity -> flatten");
    const MmlExperiment *c = clip.experiment, *p = picture.experiment;
    cr_assert_eq(c->parameter_count, p->parameter_count);
    for (i64 i = 0; i < c->parameter_count; i++) cr_expect_str_eq(c->parameters[i].name, p->parameters[i].name);
    const MmlStage *cs = &c->stages[0], *ps = &p->stages[0];
    check_one_frame(cs->train, ps->train, &clip, &picture);
    check_one_frame(cs->evaluate, ps->evaluate, &clip, &picture);
    check_one_frame(cs->reference_train, ps->reference_train, &clip, &picture);
    check_one_frame(cs->reference_evaluate, ps->reference_evaluate, &clip, &picture);
    compiled_free(&clip);
    compiled_free(&picture);
}

/* The frames of 4 clips as a batch of 12 pictures: batch norm sees the same numbers. */
static void check_three_frames(int train, int reference) {
    Compiled clip = compiled("video[3, 3, 12, 10]", "each(" CNN ") -> mean -> flatten");
    Compiled picture = compiled("image[3, 12, 10]", "(" CNN ") -> identity -> flatten");
    const MmlStage *cs = &clip.experiment->stages[0], *ps = &picture.experiment->stages[0];
    Bench a = bench_new(&clip, train ? reference ? cs->reference_train : cs->train : reference ? cs->reference_evaluate : cs->evaluate, 4, 4, 3);
    Bench b = bench_new(&picture, train ? reference ? ps->reference_train : ps->train : reference ? ps->reference_evaluate : ps->evaluate, 12, 12, 3);
    memcpy(b.frame.parameters, a.frame.parameters, sizeof(float) * (size_t)clip.experiment->parameter_floats);
    memcpy(b.inputs[0], a.inputs[0], sizeof(float) * 12 * 3 * 12 * 10);
    bench_run(&a);
    bench_run(&b);
    for (i64 n = 0; n < 4; n++)
        for (i64 i = 0; i < FEATURE; i++) {
            double mean = 0;
            for (i64 t = 0; t < 3; t++) mean += (double)b.features[0][(3 * n + t) * FEATURE + i] / 3;
            cr_expect(fabs(a.features[0][n * FEATURE + i] - mean) <= 1e-6, "clip %lld, feature %lld: %.9g and %.9g", (long long)n, (long long)i,
                      (double)a.features[0][n * FEATURE + i], mean);
        }
    same_bits("statistics", a.frame.statistics, b.frame.statistics, clip.experiment->statistic_floats);
    bench_free(&a);
    bench_free(&b);
    compiled_free(&clip);
    compiled_free(&picture);
}

Test(clips, of_three_frames_have_the_mean_of_their_pictures_features) {
    check_three_frames(1, 0);
    check_three_frames(0, 0);
    check_three_frames(1, 1);
    check_three_frames(0, 1);
}

/* The step is linear in what follows the mean: the gradient of the head is that of the averaged feature, and
 * the encoder's is a third of what three pictures with the clip's gradient each would give. */
Test(clips, divide_the_gradient_by_the_number_of_frames) {
    Compiled clip = compiled("tensor[3, 4]", "each(linear(2, bias = false)) -> mean");
    Bench b = bench_new(&clip, clip.experiment->stages[0].train, 1, 1, 3);
    bench_run(&b);
    const MmlParameter *w = parameter_named(clip.experiment, "encoder.a.0.weight"), *head = parameter_named(clip.experiment, "head.a.weight");
    const float *x = b.inputs[0], *h = b.frame.parameters + head->offset;
    double by_logit[3], most = -1e30, sum = 0;
    for (int k = 0; k < 3; k++) most = fmax(most, (double)b.logits[0][k]);
    for (int k = 0; k < 3; k++) sum += exp((double)b.logits[0][k] - most);
    for (int k = 0; k < 3; k++) by_logit[k] = exp((double)b.logits[0][k] - most) / sum - (b.labels[0] == k);
    for (int o = 0; o < 2; o++) {
        double by_feature = 0;
        for (int k = 0; k < 3; k++) by_feature += by_logit[k] * (double)h[k * 2 + o];
        for (int i = 0; i < 4; i++) {
            double expected = by_feature * ((double)x[i] + (double)x[4 + i] + (double)x[8 + i]) / 3;
            cr_expect(fabs(b.frame.gradients[w->offset + o * 4 + i] - expected) <= 1e-6);
        }
    }
    bench_free(&b);
    compiled_free(&clip);
}
