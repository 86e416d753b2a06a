#include "syntax/input.h"

#include "syntax/build.h"
#include "syntax/filter.h"
#include "syntax/syntax_error.h"

/* `and` and `or` between brackets, commas and ends are no operators. */
static void name_gates(Parser *p) {
    for (int i = 1; i + 1 < p->tokens.count; i++) {
        Token *token = &p->tokens.items[i];
        int before = token[-1].kind, behind = token[1].kind;
        if (token->kind != TOK_AND && token->kind != TOK_OR) continue;
        if (before != TOK_START_EXPRESSION && before != TOK_OPEN && before != TOK_COMMA && before != TOK_ASSIGN) continue;
        if (behind != TOK_CLOSE && behind != TOK_COMMA && behind != TOK_NEWLINE && behind != TOK_DOT) continue;
        token->value.name = intern_text(p->names, token->kind == TOK_AND ? "and" : "or");
        token->kind = TOK_NAME;
    }
}

static Parser read_tokens(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, int start) {
    Parser p = {.arena = arena, .names = names, .diagnostics = diagnostics, .source = source};
    parser_read_tokens(&p, start);
    if (start == TOK_START_EXPRESSION) name_gates(&p);
    return p;
}

/* What stands before begin is blanked out, so that places stay right. */
static const Source *source_behind(Arena *arena, const Source *source, uint32_t begin) {
    char *text = arena_copy(arena, source->text, source->length);
    for (uint32_t i = 0; i < begin; i++)
        if (text[i] != '\n') text[i] = ' ';
    return source_from_text(arena, source->path, text, source->length);
}

Expr *input_expression(Arena *arena, Interner *names, Diagnostics *diagnostics, const Source *source, uint32_t begin) {
    const Source *behind = source_behind(arena, source, begin);
    Parser p = read_tokens(arena, names, diagnostics, behind, TOK_START_EXPRESSION);
    p.end_text = "the end";
    p.result = build_error(&p, (Span){behind, begin, (uint32_t)source->length});
    yyparse(&p);
    if (p.result->kind == EXPR_ERROR && !diag_errors(diagnostics)) diag(diagnostics, E0110, p.result->span, "this is no expression");
    return p.result;
}

/* The last token but line breaks and the end. */
static int last_token(const Parser *p) {
    int last = p->tokens.count - 1;
    while (last > 0 && (p->tokens.items[last].kind == TOK_YYEOF || p->tokens.items[last].kind == TOK_NEWLINE)) last--;
    return last;
}

/* Hands the tokens to the push parser one by one, up to the first that can't follow. */
static void push_tokens(Parser *p) {
    p->silent = 1;
    yypstate *state = yypstate_new();
    if (!state) arena_exhausted(0);
    int status = YYPUSH_MORE;
    while (status == YYPUSH_MORE && !p->first_error) {
        TokenValue value;
        Span       span;
        int kind = parser_token(p, &value, &span);
        status = yypush_parse(state, kind, &value, &span, p);
    }
    yypstate_delete(state);
}

static int closes(int kind) { return kind == TOK_CLOSE || kind == TOK_CLOSE_LIST || kind == TOK_CLOSE_BLOCK; }
static int opens(int kind)  { return kind == TOK_OPEN || kind == TOK_OPEN_LIST || kind == TOK_OPEN_BLOCK; }

/* Brackets open at the end: the last tokens close them without standing there. */
static int open_brackets(const Parser *p) {
    int count = 0;
    for (const Token *token = &p->tokens.items[last_token(p)]; (token->made_up && closes(token->kind)) || (count && token->kind == TOK_NEWLINE); token--)
        count += token->kind != TOK_NEWLINE;
    return count;
}

int input_opens(Arena *arena, Interner *names, const Source *line, int *faulty) {
    Lexer lexer = {.arena = arena, .names = names, .diagnostics = diagnostics_new(arena), .source = line,
                   .text = line->text, .cursor = line->text, .limit = line->text + line->length};
    TokenVector tokens = {0};
    int count = 0;
    lex(&lexer, &tokens);
    for (int i = 0; i < tokens.count; i++) count += opens(tokens.items[i].kind) - closes(tokens.items[i].kind);
    *faulty = lexer.faults.count > 0;
    return count;
}

/* Is nothing wrong but that it ends too early? Then a bracket is open at the end, or
 * the parser stops there and a further line could go on. */
static int is_unfinished(Parser *p) {
    int last = last_token(p);
    const Token *token = &p->tokens.items[last];
    if (p->faults.count && p->source->length > LONG_INPUT) return 0;
    if (open_brackets(p)) return 1;
    push_tokens(p);
    if (!p->first_error || p->first_error - 1 <= last) return 0;
    if (filter_goes_on_behind(token->kind)) return 1;
    TokenSet expected = {{p->first_expected[0], p->first_expected[1]}};
    for (int kind = TOK_START_FILE; kind <= TOK_REQUIRES; kind++)
        if (token_set_has(&expected, kind) && filter_goes_on_before(kind)) return 1;
    return 0;
}

static int begins_definition(int first, int second) {
    switch (first) {
    case TOK_USE: case TOK_PARAM: case TOK_DATA: case TOK_MODALITY: case TOK_TARGET: case TOK_ENCODER: case TOK_POLICY: case TOK_METHOD:
        return second != TOK_OPEN && second != TOK_ASSIGN && second != TOK_DOT;
    case TOK_FUSION: return second == TOK_ASSIGN;
    case TOK_TRAIN:  return second == TOK_OPEN_BLOCK;
    default:         return 0;
    }
}

Input input_classify(Arena *arena, Interner *names, const Source *source) {
    Parser p = read_tokens(arena, names, diagnostics_new(arena), source, TOK_START_FILE);
    const Token *tokens = p.tokens.items;
    if (last_token(&p) == 0) return (Input){.kind = INPUT_NOTHING};
    int first = tokens[1].kind, second = tokens[2].kind;
    if (begins_definition(first, second))
        return (Input){.kind = is_unfinished(&p) ? INPUT_UNFINISHED : INPUT_DEFINITION, .open = open_brackets(&p)};
    int name = first == TOK_LET ? 2 : 1;
    Input input = {.kind = INPUT_EXPRESSION};
    uint32_t begin = 0;
    if (name + 1 < p.tokens.count && tokens[name + 1].kind == TOK_ASSIGN) {
        begin = tokens[name + 1].span.end;
        Span span = tokens[name].span;
        input = (Input){.kind = INPUT_BINDING, .name = intern(names, source->text + span.begin, span.end - span.begin),
                        .name_span = span, .value = begin};
    }
    Parser expression = read_tokens(arena, names, diagnostics_new(arena), source_behind(arena, source, begin), TOK_START_EXPRESSION);
    input.open = open_brackets(&expression);
    if (last_token(&expression) == 0 ? input.kind == INPUT_BINDING : is_unfinished(&expression)) input.kind = INPUT_UNFINISHED;
    return input;
}
