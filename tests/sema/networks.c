/* Shapes, parameters and names of networks. Expected numbers are closed forms of
 * the layers' definitions, or torchvision's published resnet18. */
#define _GNU_SOURCE
#include "analysed.h"

#define TRAIN "train { stage joint { epochs = 1 } }"

/* One modality with the encoder given. */
static Analysed network_of(const char *type, const char *encoder, const char *more) {
    char *text = NULL;
    cr_assert_gt(asprintf(&text, "use encoders\n"
                                 "data arrays = npz(\"arrays.npz\")\n"
                                 "modality one : %s { input = arrays.one\n encoder = %s }\n"
                                 "target kind : class[10] = arrays.label\n"
                                 "fusion = concat -> linear(classes)\n" TRAIN "\n%s\n", type, encoder, more), 0);
    Analysed a = analysed(text, NULL);
    free(text);
    return a;
}

static const Network *first(const Analysed *a) { return &a->program->modalities.items[0].encoder; }

static int64_t parameters_under(const Program *program, const char *prefix) {
    int64_t count = 0;
    for (int i = 0; i < program->parameters.count; i++)
        if (strncmp(program->parameters.items[i].name, prefix, strlen(prefix)) == 0)
            count += program->parameters.items[i].count;
    return count;
}

static const Parameter *parameter(const Program *program, const char *name) {
    for (int i = 0; i < program->parameters.count; i++)
        if (strcmp(program->parameters.items[i].name, name) == 0)
            return &program->parameters.items[i];
    return NULL;
}

static void expect_parameter(const Program *program, const char *name, const char *shape) {
    const Parameter *p = parameter(program, name);
    Arena *arena = arena_new();
    cr_expect(p, "no parameter %s", name);
    if (p)
        cr_expect_str_eq(shape_text(arena, p->shape), shape, "%s", name);
    arena_free(arena);
}

static void expect_attributes(const Layer *layer, int count, const int64_t *values) {
    for (int i = 0; i < count; i++)
        cr_expect_eq(layer->attr[i].i, values[i], "attribute %d is %lld, not %lld", i, (long long)layer->attr[i].i, (long long)values[i]);
}

static void expect_shape(const Layer *layer, const char *shape) {
    Arena *arena = arena_new();
    cr_expect_str_eq(shape_text(arena, layer->shape), shape, "%s", layer->name);
    arena_free(arena);
}

/* ---- The library's encoders ---- */

Test(networks, resnet18_has_torchvisions_parameters_without_its_classifier) {
    Analysed one = network_of("spectrogram[1, 257, 299]", "resnet18() -> linear(64)", "");
    cr_expect_eq(parameters_under(one.program, "encoder.one.0."), 11170240);
    cr_expect_eq(parameters_under(one.program, "encoder.one.1."), 64 * 512 + 64);
    arena_free(one.arena);
    Analysed three = network_of("image[3, 224, 224]", "resnet18()", "");
    /* torchvision's resnet18 has 11,689,512 with fc: 1000 * 512 + 1000 of them */
    cr_expect_eq(parameters_under(three.program, "encoder.one."), 11689512 - 513000);
    cr_expect_eq(parameters_under(three.program, "encoder.one."), 11176512);
    arena_free(three.arena);
}

Test(networks, resnet18_has_torchvisions_names_and_shapes) {
    Analysed a = network_of("image[3, 224, 224]", "resnet18()", "");
    expect_parameter(a.program, "encoder.one.conv1.weight", "[64, 3, 7, 7]");
    expect_parameter(a.program, "encoder.one.bn1.bias", "[64]");
    int seen = 3;
    for (int layer = 1, width = 64; layer <= 4; layer++, width *= 2) {
        for (int block = 0; block < 2; block++) {
            int in = layer > 1 && block == 0 ? width / 2 : width;
            for (int conv = 1; conv <= 2; conv++) {
                char name[96], shape[64];
                snprintf(name, sizeof name, "encoder.one.layer%d.%d.conv%d.weight", layer, block, conv);
                snprintf(shape, sizeof shape, "[%d, %d, 3, 3]", width, conv == 1 ? in : width);
                expect_parameter(a.program, name, shape);
                snprintf(name, sizeof name, "encoder.one.layer%d.%d.bn%d.weight", layer, block, conv);
                snprintf(shape, sizeof shape, "[%d]", width);
                expect_parameter(a.program, name, shape);
                seen += 3;
            }
            if (in != width) {
                char name[96], shape[64];
                snprintf(name, sizeof name, "encoder.one.layer%d.%d.downsample.0.weight", layer, block);
                snprintf(shape, sizeof shape, "[%d, %d, 1, 1]", width, in);
                expect_parameter(a.program, name, shape);
                snprintf(name, sizeof name, "encoder.one.layer%d.%d.downsample.1.bias", layer, block);
                snprintf(shape, sizeof shape, "[%d]", width);
                expect_parameter(a.program, name, shape);
                seen += 3;
            }
        }
    }
    int count = 0;
    for (int i = 0; i < a.program->parameters.count; i++)
        count += strncmp(a.program->parameters.items[i].name, "encoder.one.", 12) == 0;
    cr_expect_eq(count, seen);
    arena_free(a.arena);
}

/* conv1 112 x 112, layer1 56, layer2 28, layer3 14, layer4 7; a multiply-add counts 2. */
Test(networks, resnet18_costs_what_its_convolutions_multiply) {
    int64_t expected = (int64_t)64 * 3 * 49 * 112 * 112;
    for (int64_t layer = 1, width = 64, side = 56; layer <= 4; layer++, width *= 2, side /= 2) {
        int64_t in = layer > 1 ? width / 2 : width;
        expected += (in + 3 * width) * width * 9 * side * side + (in != width ? in * width * side * side : 0);
    }
    Analysed a = network_of("image[3, 224, 224]", "resnet18()", "");
    int64_t flops = 0;
    for (int i = 0; i < first(&a)->layers.count; i++)
        flops += first(&a)->layers.items[i].flops;
    cr_expect_eq(flops, 2 * expected, "%lld, not %lld", (long long)flops, (long long)(2 * expected));
    arena_free(a.arena);
}

Test(networks, cnn4_has_the_published_shapes) {
    static const char *const shapes[] = {"[1, 28, 28]", "[32, 28, 28]", "[32, 28, 28]", "[32, 14, 14]", "[32, 14, 14]", "[32, 14, 14]",
                                         "[64, 7, 7]", "[64, 7, 7]", "[64, 7, 7]", "[64, 7, 7]", "[64, 1, 1]", "[512]"};
    Analysed a = network_of("image[1, 28, 28]", "cnn4()", "");
    cr_assert_eq(first(&a)->layers.count, 12);
    for (int i = 0; i < 12; i++)
        expect_shape(&first(&a)->layers.items[i], shapes[i]);
    int64_t expected = 2 + (32 * 25 + 32) + (32 * 32 * 9 + 32) + (64 * 32 * 9 + 64) + (64 * 64 * 9 + 64) + (512 * 64 + 512);
    cr_expect_eq(parameters_under(a.program, "encoder.one."), expected);
    arena_free(a.arena);
}

/* ---- Names ---- */

/* methods.md 2.1 with o = d = 8 */
Test(networks, fusions_of_two_have_parameters_of_the_features_width) {
    static const char text[] = "data arrays = npz(\"arrays.npz\")\n"
                               "modality one : vector[3] { input = arrays.one\n encoder = linear(8) }\n"
                               "modality two : vector[5] { input = arrays.two\n encoder = linear(8) }\n"
                               "target kind : class[10] = arrays.label\n"
                               "fusion = %s -> linear(classes)\n" TRAIN "\n";
    char *film = NULL, *gated = NULL;
    cr_assert(asprintf(&film, text, "film") > 0 && asprintf(&gated, text, "gated") > 0);
    Analysed a = analysed(film, NULL), b = analysed(gated, NULL);
    expect_parameter(a.program, "fusion.film.weight", "[16, 8]");
    expect_parameter(a.program, "fusion.film.bias", "[16]");
    expect_parameter(a.program, "fusion.weight", "[10, 8]");
    cr_expect_eq(parameters_under(a.program, "fusion."), 16 * 8 + 16 + 10 * 8 + 10);
    expect_parameter(b.program, "fusion.gated.one.weight", "[8, 8]");
    expect_parameter(b.program, "fusion.gated.two.bias", "[8]");
    cr_expect_eq(parameters_under(b.program, "fusion."), 2 * (8 * 8 + 8) + 10 * 8 + 10);
    arena_free(a.arena);
    arena_free(b.arena);
    free(film);
    free(gated);
}


Test(networks, a_chain_names_its_members_by_position_and_a_label_by_itself) {
    Analysed a = network_of("image[3, 8, 8]", "conv(4, 3) -> relu -> stem: (conv(5, 3) -> batchnorm) -> (conv(6, 3) -> relu) -> linear(4)", "");
    expect_parameter(a.program, "encoder.one.0.weight", "[4, 3, 3, 3]");
    expect_parameter(a.program, "encoder.one.stem.0.weight", "[5, 4, 3, 3]");
    expect_parameter(a.program, "encoder.one.stem.1.weight", "[5]");
    expect_parameter(a.program, "encoder.one.3.0.weight", "[6, 5, 3, 3]");
    expect_parameter(a.program, "encoder.one.4.weight", "[4, 384]");
    arena_free(a.arena);
}

Test(networks, locals_add_nothing_to_names_until_names_would_meet) {
    Analysed a = network_of("image[3, 8, 8]", "apart() -> met() -> linear(4)",
        "encoder apart() { let main = a: conv(3, 3)\n let side = b: conv(3, 1)\n return main + side -> relu }\n"
        "encoder met() { let main = conv(3, 3) -> relu\n let side = conv(3, 1) -> relu\n return main + side -> main }");
    expect_parameter(a.program, "encoder.one.0.a.weight", "[3, 3, 3, 3]");
    expect_parameter(a.program, "encoder.one.0.b.weight", "[3, 3, 1, 1]");
    expect_parameter(a.program, "encoder.one.1.0.0.0.weight", "[3, 3, 3, 3]");
    expect_parameter(a.program, "encoder.one.1.0.1.0.weight", "[3, 3, 1, 1]");
    expect_parameter(a.program, "encoder.one.1.0.weight", "[3, 3, 3, 3]");
    arena_free(a.arena);
}

Test(networks, copies_are_named_by_number) {
    Analysed a = network_of("vector[6]", "repeat(3, linear(6)) -> linear(4)", "");
    expect_parameter(a.program, "encoder.one.0.0.weight", "[6, 6]");
    expect_parameter(a.program, "encoder.one.0.2.bias", "[6]");
    expect_parameter(a.program, "encoder.one.1.weight", "[4, 6]");
    cr_expect_null(parameter(a.program, "encoder.one.0.3.weight"));
    arena_free(a.arena);
}

Test(networks, operands_are_numbered_only_where_their_names_would_meet) {
    Analysed a = network_of("image[3, 8, 8]", "conv(3, 3) + identity -> concat(conv(2, 1), conv(3, 3), maxpool(3, stride = 1, pad = 1)) -> linear(4)", "");
    expect_parameter(a.program, "encoder.one.0.weight", "[3, 3, 3, 3]");
    expect_parameter(a.program, "encoder.one.1.0.weight", "[2, 3, 1, 1]");
    expect_parameter(a.program, "encoder.one.1.1.weight", "[3, 3, 3, 3]");
    expect_parameter(a.program, "encoder.one.2.weight", "[4, 512]");
    arena_free(a.arena);
}

Test(networks, heads_and_the_plain_fusion_need_no_position) {
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", "concat -> linear(classes)", TRAIN);
    Analysed a = analysed(text, NULL);
    free(text);
    expect_parameter(a.program, "encoder.one.weight", "[4, 6]");
    expect_parameter(a.program, "head.one.weight", "[10, 4]");
    expect_parameter(a.program, "head.two.bias", "[10]");
    expect_parameter(a.program, "fusion.weight", "[10, 8]");
    cr_expect_eq(a.program->fusion_kind, FUSION_CONCAT_LINEAR);
    arena_free(a.arena);
}

Test(networks, a_sum_has_its_own_weights_for_each_modality) {
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", "sum(linear(classes))", TRAIN);
    Analysed a = analysed(text, NULL);
    free(text);
    expect_parameter(a.program, "fusion.one.weight", "[10, 4]");
    expect_parameter(a.program, "fusion.two.bias", "[10]");
    cr_expect_eq(a.program->fusion_kind, FUSION_SUM_LINEAR);
    cr_expect_eq(a.program->fusion.layers.count, 3);
    cr_expect_eq(a.program->fusion.layers.items[1].inputs.items[0], -2);
    arena_free(a.arena);
}

Test(networks, a_deeper_fusion_is_named_by_position_and_has_no_split) {
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", "concat -> linear(5) -> relu -> linear(classes)", TRAIN);
    Analysed a = analysed(text, NULL);
    free(text);
    expect_parameter(a.program, "fusion.1.weight", "[5, 8]");
    expect_parameter(a.program, "fusion.3.weight", "[10, 5]");
    cr_expect_eq(a.program->fusion_kind, FUSION_OTHER);
    arena_free(a.arena);
}

/* ---- Layers ---- */

Test(networks, attributes_stand_in_the_kernels_order) {
    Analysed a = network_of("image[4, 9, 11]",
        "conv(6, 3, stride = 2, pad = 1, dilation = 2, groups = 2, bias = false) -> batchnorm(0.2, 1e-3) -> maxpool(2) -> linear(5)", "");
    const Layer *layers = first(&a)->layers.items;
    /* (9 + 2 - 2 * 2 - 1) div 2 + 1 = 4, (11 + 2 - 5) div 2 + 1 = 5 */
    expect_attributes(&layers[0], 12, (int64_t[]){4, 9, 11, 6, 3, 3, 2, 1, 2, 2, 4, 5});
    cr_expect_eq(layers[0].parameters[1], -1);
    cr_expect_eq(layers[0].flops, 2 * 6 * 4 * 5 * 2 * 9);
    expect_attributes(&layers[1], 2, (int64_t[]){6, 20});
    cr_expect_eq(layers[1].attr[2].r, 0.2);
    cr_expect_eq(layers[1].attr[3].r, 1e-3);
    cr_expect_eq(layers[1].attr[4].i, 0);
    expect_attributes(&layers[2], 8, (int64_t[]){6, 4, 5, 2, 2, 0, 2, 2});
    expect_attributes(&layers[3], 3, (int64_t[]){24, 5, 24});
    cr_expect_eq(layers[3].attr[3].r, 1);
    expect_parameter(a.program, "encoder.one.0.weight", "[6, 2, 3, 3]");
    arena_free(a.arena);
}

Test(networks, fans_are_those_of_the_published_initialisations) {
    Analysed a = network_of("image[4, 8, 8]", "conv(6, 3) -> linear(5, init = kaiming(fan = in)) -> linear(4, init = constant(0.5))", "");
    const Parameter *conv = parameter(a.program, "encoder.one.0.weight"), *linear = parameter(a.program, "encoder.one.1.weight");
    cr_expect_eq(conv->init, INIT_KAIMING_OUT);
    cr_expect_eq(conv->fan_in, 4 * 9);
    cr_expect_eq(conv->fan_out, 6 * 9);
    cr_expect_eq(linear->init, INIT_KAIMING_IN);
    cr_expect_eq(linear->fan_in, 6 * 64);
    cr_expect_eq(linear->fan_out, 5);
    cr_expect_eq(parameter(a.program, "encoder.one.2.weight")->init, INIT_CONSTANT);
    cr_expect_eq(parameter(a.program, "encoder.one.2.weight")->init_value, 0.5);
    cr_expect_eq(parameter(a.program, "encoder.one.0.bias")->init, INIT_ZERO);
    arena_free(a.arena);
}

Test(networks, parameters_and_statistics_start_at_multiples_of_16_and_do_not_overlap) {
    Analysed a = network_of("image[3, 12, 12]", "conv(5, 3) -> batchnorm -> linear(4)", "");
    int64_t end = 0;
    for (int i = 0; i < a.program->parameters.count; i++) {
        const Parameter *p = &a.program->parameters.items[i];
        cr_expect_eq(p->offset % 16, 0);
        cr_expect_geq(p->offset, end);
        end = p->offset + p->count;
    }
    cr_expect_geq(a.program->parameter_floats, end);
    cr_assert_eq(a.program->statistics.count, 2);
    cr_expect_str_eq(a.program->statistics.items[0].name, "encoder.one.1.running_mean");
    cr_expect_eq(a.program->statistics.items[0].start, 0);
    cr_expect_eq(a.program->statistics.items[1].start, 1);
    cr_expect_eq(a.program->statistics.items[1].offset % 16, 0);
    arena_free(a.arena);
}

Test(networks, every_dropout_has_a_stream_of_its_own) {
    Analysed a = network_of("vector[6]", "repeat(2, dropout(0.5)) -> linear(4)", "");
    const Layer *layers = first(&a)->layers.items;
    cr_expect_neq(layers[0].attr[3].i, layers[1].attr[3].i);
    arena_free(a.arena);
}

Test(networks, identity_makes_no_layer_and_alone_no_network) {
    Analysed a = network_of("vector[4]", "identity", "");
    cr_expect_eq(first(&a)->layers.count, 0);
    cr_expect_eq(first(&a)->output.size[0], 4);
    arena_free(a.arena);
}

Test(networks, shapes_follow_a_param_that_is_defined_for_the_compiler) {
    char *text = two_modalities("vector[6]", "linear(width) -> linear(4)", "linear(4)", "concat -> linear(classes)", "param width = 8\n" TRAIN);
    Analysed plain = analysed(text, NULL), defined = analysed(text, "width=9");
    free(text);
    expect_parameter(plain.program, "encoder.one.0.weight", "[8, 6]");
    expect_parameter(defined.program, "encoder.one.0.weight", "[9, 6]");
    int fixed = 0;
    for (int i = 0; i < plain.program->settings.count; i++)
        if (strcmp(plain.program->settings.items[i].path, "width") == 0)
            fixed = plain.program->settings.items[i].flags & SETTING_FIXED;
    cr_expect(fixed, "a param that reaches a shape is fixed");
    arena_free(plain.arena);
    arena_free(defined.arena);
}

Test(networks, a_choice_is_made_by_the_input_of_the_encoder_that_makes_it) {
    Analysed a = network_of("image[3, 8, 8]", "conv(5, 3) -> pick() -> linear(4)",
        "encoder pick() { return if in.channels == 5 and in.height == 8 and in.size == 320 then conv(7, 1) else conv(9, 1) }");
    expect_parameter(a.program, "encoder.one.1.weight", "[7, 5, 1, 1]");
    arena_free(a.arena);
}
