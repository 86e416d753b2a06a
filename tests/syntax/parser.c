/* What golden pairs don't show: spans, expressions by themselves, limits. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "syntax/parse.h"

static Arena       *arena;
static Interner    *names;
static Diagnostics *diagnostics;

static void set_up(void) {
    arena       = arena_new();
    names       = interner_new(arena);
    diagnostics = diagnostics_new(arena);
}

static void tear_down(void) { arena_free(arena); }

TestSuite(expression, .init = set_up, .fini = tear_down);
TestSuite(file, .init = set_up, .fini = tear_down);

static const Expr *expression(const char *text) {
    return parse_expression(arena, names, diagnostics, source_from_text(arena, "-D x", text, strlen(text)));
}

static const File *file(const char *text) {
    return parse_file(arena, names, diagnostics, source_from_text(arena, "x.mml", text, strlen(text)));
}

static const char *text_of(Span span) {
    return arena_copy(arena, span.source->text + span.begin, span.end - span.begin);
}

Test(expression, stands_alone) {
    const Expr *expr = expression("  1 + tau * 2 ");
    cr_assert_eq(diag_errors(diagnostics), 0);
    cr_assert_eq(expr->kind, EXPR_BINARY);
    cr_assert_eq(expr->op, OP_ADD);
    cr_assert_str_eq(text_of(expr->span), "1 + tau * 2");
    cr_assert_str_eq(text_of(expr->op_span), "+");
}

Test(expression, that_is_wrong_is_an_error_node) {
    cr_assert_eq(expression("1 +")->kind, EXPR_ERROR);
    cr_assert_eq(diag_errors(diagnostics), 1);
    cr_assert_eq(expression("")->kind, EXPR_ERROR);
    cr_assert_eq(expression("a b")->kind, EXPR_ERROR);
    cr_assert_eq(expression("param x = 3")->kind, EXPR_ERROR);
}

Test(expression, keeps_the_words_of_definitions_as_names) {
    const Expr *expr = expression("train");
    cr_assert_eq(expr->kind, EXPR_NAME);
    cr_assert_eq(expr->name, intern_text(names, "train"));
}

Test(expression, in_parentheses_covers_them) {
    cr_assert_str_eq(text_of(expression("x -> (y + z)")->right->span), "(y + z)");
}

Test(expression, has_the_largest_int_and_not_one_more) {
    cr_assert_eq(expression("9223372036854775807")->integer, INT64_MAX);
    cr_assert_eq(diag_errors(diagnostics), 0);
    expression("9223372036854775808");
    cr_assert_eq(diag_errors(diagnostics), 1);
}

Test(expression, reads_reals_to_the_last_bit) {
    cr_assert_eq(expression("0.1")->real, 0.1);
    cr_assert_eq(expression("1_000.000_1e-2")->real, 10.000001);
    cr_assert_eq(expression("1.7976931348623157e308")->real, 1.7976931348623157e308);
    cr_assert_eq(expression("4.9e-324")->real, 4.9e-324);
    cr_assert(isinf(expression("inf")->real));
    cr_assert_eq(diag_errors(diagnostics), 0);
}

Test(expression, of_a_number_covers_its_unit) {
    const Expr *expr = expression("16 kHz");
    cr_assert_eq(expr->unit, UNIT_KHZ);
    cr_assert_str_eq(text_of(expr->span), "16 kHz");
}

Test(expression, in_a_text_has_its_place_in_the_file) {
    const File *program = file("param a = \"x{b + 1}y\"\n");
    const StringPart *part = program->decls->value->parts->next;
    cr_assert_str_eq(text_of(part->span), "{b + 1}");
    cr_assert_str_eq(text_of(part->expr->span), "b + 1");
    cr_assert_eq(part->expr->span.source, program->source);
    cr_assert_str_eq(part->next->text, "y");
    cr_assert_eq(part->next->length, 1);
}

Test(file, gives_each_node_its_place) {
    const File *program = file("# doc\nparam tau : real = 5.0\ntrain {\n  batch = 64\n}\n");
    cr_assert_str_eq(text_of(program->decls->span), "param tau : real = 5.0");
    cr_assert_str_eq(text_of(program->decls->name_span), "tau");
    cr_assert_str_eq(text_of(program->decls->next->span), "train {\n  batch = 64\n}");
    cr_assert_str_eq(text_of(program->decls->next->properties->span), "batch = 64");
    cr_assert_str_eq(program->decls->doc, "doc");
}

Test(file, goes_on_behind_an_error) {
    const File *program = file("param = 3\nparam b = 4\nencoder e { return relu }\nparam c = 5\n");
    int right = 0, broken = 0;
    for (const Decl *decl = program->decls; decl; decl = decl->next) *(decl->kind == DECL_ERROR ? &broken : &right) += 1;
    cr_assert_eq(diag_errors(diagnostics), 2);
    cr_assert_eq(right, 2);
    cr_assert_eq(broken, 2);
}

Test(file, with_ten_thousand_definitions_is_read) {
    char *text = malloc(10000 * 32), *at = text;
    for (int i = 0; i < 10000; i++) at += sprintf(at, "param p%d = %d\n", i, i);
    const File *program = file(text);
    int count = 0;
    for (const Decl *decl = program->decls; decl; decl = decl->next) cr_assert_eq(decl->value->integer, count++);
    free(text);
    cr_assert_eq(diag_errors(diagnostics), 0);
    cr_assert_eq(count, 10000);
}

/* n times open, "1", n times close. */
static const char *nested(const char *open, const char *close, int n) {
    size_t a = strlen(open), b = strlen(close);
    char *text = arena_alloc(arena, (a + b) * (size_t)n + 2), *at = text;
    for (int i = 0; i < n; i++, at += a) memcpy(at, open, a);
    *at++ = '1';
    for (int i = 0; i < n; i++, at += b) memcpy(at, close, b);
    return text;
}

Test(expression, may_be_nested_deeply_but_not_endlessly) {
    cr_assert_neq(expression(nested("(", ")", 199))->kind, EXPR_ERROR);
    cr_assert_neq(expression(nested("-", "", 999))->kind, EXPR_ERROR);
    cr_assert_neq(expression(nested("a -> ", "", 999))->kind, EXPR_ERROR);
    cr_assert_eq(diag_errors(diagnostics), 0);
    const struct { const char *open, *close; int depth; } deep[] = {
        {"(", ")", 200}, {"f(", ")", 5000}, {"[", "]", 100000}, {"-", "", 2000}, {"- ", "", 200000}, {"not ", "", 200000},
        {"l: ", "", 200000}, {"a -> ", "", 200000}, {"", " + 1", 200000}, {"if a then ", " else b", 200000}, {"a", "[0]", 5000},
    };
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        int before = diag_errors(diagnostics);
        expression(nested(deep[i].open, deep[i].close, deep[i].depth));
        cr_expect_gt(diag_errors(diagnostics), before, "%s", deep[i].open);
        cr_expect(diag_has(diagnostics, E0114));
    }
}

Test(file, of_more_than_a_million_tokens_is_cut) {
    size_t length = 2 * 1100000;
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i += 2) memcpy(text + i, "1\n", 2);
    text[length] = 0;
    Source *source = source_from_text(arena, "x.mml", text, length);
    parse_file(arena, names, diagnostics, source);
    cr_assert(diag_has(diagnostics, E0114));
    free(text);
}

Test(file, may_be_printed_as_tokens) {
    char *text = NULL;
    size_t length;
    const char *program = "train {\n  batch = 2 *\n    3\n}\n";
    FILE *out = open_memstream(&text, &length);
    print_tokens(arena, names, source_from_text(arena, "x.mml", program, strlen(program)), out);
    fclose(out);
    cr_assert_str_eq(text, "1:1\t`train`\ttrain\n1:7\t`{`\t{\n2:3\ta name\tbatch\n2:9\t`=`\t=\n2:11\ta number\t2\n2:13\t`*`\t*\n"
                           "3:5\ta number\t3\n3:6\tthe end of the line\n4:1\t`}`\t}\n4:2\tthe end of the line\n5:1\tthe end of the file\n");
    free(text);
}

Test(file, names_every_unit_and_operator) {
    for (Unit unit = UNIT_HZ; unit <= UNIT_PERCENT; unit++) cr_expect(*unit_text(unit));
    for (Op op = OP_NEG; op <= OP_ARROW; op++) cr_expect(*op_text(op));
    cr_assert_str_eq(unit_text(UNIT_NONE), "");
    cr_assert_str_eq(op_text(OP_INTDIV), "div");
}
