/* What the compiler computes itself: constants and params that reach a shape. The
 * value is read off the width of a layer, or off a setting's literal. */
#define _GNU_SOURCE
#include "analysed.h"

static Analysed one_modality(const char *encoder, const char *more) {
    char *text = NULL;
    cr_assert_gt(asprintf(&text, "data arrays = npz(\"arrays.npz\")\n"
                                 "modality one : vector[4] { input = arrays.one\n encoder = %s }\n"
                                 "modality two : vector[4] { input = arrays.two\n encoder = linear(3) }\n"
                                 "target kind : class[10] = arrays.label\n"
                                 "%s\ntrain { stage unimodal { epochs = 1 } }\n", encoder, more), 0);
    Analysed a = analysed(text, NULL);
    free(text);
    return a;
}

static void expect_whole(const char *expression, int64_t expected) {
    char encoder[512];
    snprintf(encoder, sizeof encoder, "linear(100 + (%s)) -> linear(3)", expression);
    Analysed a = one_modality(encoder, "param seven = 7\nparam pair : int[modalities] = each(one = 3, two = -8)\n"
                                       "policy reads(n = 1) { on epoch(e) { if seven + pair[one] > e.index { all() } } }");
    int64_t width = a.program->modalities.items[0].encoder.layers.items[0].shape.size[0];
    cr_expect_eq(width - 100, expected, "%s is %lld, not %lld", expression, (long long)(width - 100), (long long)expected);
    arena_free(a.arena);
}

Test(values, div_and_mod_round_towards_minus_infinity) {
    expect_whole("7 div 2", 3);
    expect_whole("-7 div 2", -4);
    expect_whole("7 div -2", -4);
    expect_whole("-7 mod 2", 1);
    expect_whole("7 mod -2", -1);
    expect_whole("-8 mod 4", 0);
}

Test(values, operators_bind_as_the_reference_says) {
    expect_whole("2 + 3 * 4", 14);
    expect_whole("-seven + 2 * seven", 7);
    expect_whole("(if 1 < 2 and not (3 == 4) or 1 / 0 > 2 then 5 else 6)", 5);
    expect_whole("(if 5 / 2 == 2.5 then 1 else 0)", 1);
}

Test(values, functions_give_their_mathematical_values) {
    expect_whole("abs(-3)", 3);
    expect_whole("max(2, seven, 5) - min(4, 9)", 3);
    expect_whole("clamp(50, -1, 9)", 9);
    expect_whole("clamp(-50, -1, 9)", -1);
    expect_whole("(if pow(2, 10) == 1024 and log2(8) == 3 and sqrt(49) == 7 and exp(0) == 1 and log(1) == 0 and tanh(0) == 0 then 1 else 0)", 1);
}

Test(values, each_value_is_reduced_and_indexed) {
    expect_whole("sum(pair)", -5);
    expect_whole("max(pair)", 3);
    expect_whole("pair[two]", -8);
    expect_whole("pair[argmin(pair)]", -8);
    expect_whole("pair[modalities[0]]", 3);
    expect_whole("pair[other(one)]", -8);
    expect_whole("count(modalities)", 2);
    expect_whole("count(m in modalities: pair[m] > 0)", 1);
    expect_whole("sum(m in modalities: pair[m] * pair[m])", 73);
    expect_whole("sum(2 * pair - 1)", -12);
    expect_whole("(if mean(pair) == -2.5 then 1 else 0)", 1);
    expect_whole("(if first(modalities) == one and one != two then 1 else 0)", 1);
}

Test(values, argmax_takes_the_first_of_equals) {
    expect_whole("(if argmax(each(one = 2, two = 2)) == one then 1 else 0)", 1);
    expect_whole("(if argmin(each(one = 2, two = 2)) == one then 1 else 0)", 1);
}

static const Value *setting(const Analysed *a, const char *path) {
    for (int i = 0; i < a->program->settings.count; i++)
        if (strcmp(a->program->settings.items[i].path, path) == 0)
            return a->program->settings.items[i].value;
    cr_assert_fail("no setting %s", path);
    return NULL;
}

Test(values, units_are_held_in_their_own_measure) {
    Analysed a = one_modality("linear(3)",
        "param part = 10 %\nparam rate = 16 kHz\nparam wait = 250 ms\nparam room = 1.5 KiB\nparam goal = 3 epochs\nparam pace = 2 fps\n"
        "policy reads() { on epoch(e) { say(\"{part} {rate} {wait} {room} {goal} {pace}\") } }");
    cr_expect_eq(setting(&a, "part")->real, 0.1);
    cr_expect_eq(setting(&a, "rate")->real, 16000);
    cr_expect_eq(setting(&a, "wait")->real, 0.25);
    cr_expect_eq(setting(&a, "room")->integer, 1536);
    cr_expect_eq(setting(&a, "goal")->integer, 3);
    cr_expect_eq(setting(&a, "pace")->real, 2);
    arena_free(a.arena);
}

Test(values, a_scalar_is_meant_for_every_modality) {
    Analysed a = one_modality("linear(3)", "param length : epochs[modalities] = 4\npolicy reads() { on epoch(e) { if length[one] > 1 { all() } } }");
    const Value *value = setting(&a, "length");
    cr_assert_eq(value->kind, VALUE_EACH);
    cr_assert_eq(value->count, 2);
    cr_expect_eq(value->operands[1]->integer, 4);
    cr_expect_eq(value->operands[1]->type.kind, TYPE_EPOCHS);
    arena_free(a.arena);
}

/* ---- Losses ---- */

static Analysed with_loss(const char *members, const char *fusion) {
    char rest[2048];
    snprintf(rest, sizeof rest, "method mine(share = 0.5) {\n%s\n}\ntrain { stage joint { epochs = 1\n method = mine() } }", members);
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", fusion, rest);
    Analysed a = analysed(text, NULL);
    free(text);
    return a;
}

Test(losses, a_comprehension_is_a_chain_of_additions_in_order) {
    Analysed a = with_loss("loss = sum(m in modalities: ce(head[m]))", "concat -> linear(classes)");
    const Value *loss = a.program->stages.items[0].method->loss;
    cr_assert_eq(loss->kind, VALUE_BINARY);
    cr_assert_eq(loss->op, OP_ADD);
    cr_expect_eq(loss->operands[0]->function, FN_CE);
    cr_expect_eq(loss->operands[0]->operands[0]->kind, VALUE_HEAD);
    cr_expect_eq(loss->operands[0]->operands[0]->number, 0);
    cr_expect_eq(loss->operands[1]->operands[0]->number, 1);
    arena_free(a.arena);
}

Test(losses, a_let_is_one_computation_wherever_it_is_named) {
    Analysed a = with_loss("let term[m in modalities] = kl(head[m], stop(joint))\n loss = ce(joint) + share * term[one] + term[one]",
                           "concat -> linear(classes)");
    const Value *loss = a.program->stages.items[0].method->loss;
    cr_expect_eq(loss->operands[1], loss->operands[0]->operands[1]->operands[1]);
    cr_expect_eq(loss->type.kind, TYPE_LOSS);
    arena_free(a.arena);
}

Test(losses, split_exists_for_both_linear_fusions) {
    static const char *const fusions[] = {"concat -> linear(classes)", "sum(linear(classes))"};
    for (int i = 0; i < 2; i++) {
        Analysed a = with_loss("loss = ce(split[two])", fusions[i]);
        const Value *split = a.program->stages.items[0].method->loss->operands[0];
        cr_expect_eq(split->kind, VALUE_SPLIT);
        cr_expect_eq(split->number, 1);
        cr_expect_eq(split->type.width, 10);
        arena_free(a.arena);
    }
}

Test(losses, the_default_method_is_uniform_with_a_share_of_one) {
    char *text = two_modalities("vector[6]", "linear(4)", "linear(4)", "concat -> linear(classes)", "train { stage joint { epochs = 1 } }");
    Analysed a = analysed(text, NULL);
    free(text);
    cr_expect_str_eq(a.program->stages.items[0].method->name, "uniform");
    cr_expect_eq(setting(&a, "train.joint.method.share")->real, 1);
    arena_free(a.arena);
}
