#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "syntax/parse.h"

/* The tree as S-expressions: a definition, property, member or statement a line. */
typedef struct { FILE *out; int indent; } Printer;

static void put_line(Printer *w) { fprintf(w->out, "\n%*s", 2 * w->indent, ""); }

static void put_text(Printer *w, const char *text, size_t length) {
    fputc('"', w->out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') fprintf(w->out, "\\%c", c);
        else if (c == '\n') fputs("\\n", w->out);
        else if (c < 0x20 || c == 0x7F) fprintf(w->out, "\\x%02x", c);
        else fputc(c, w->out);
    }
    fputc('"', w->out);
}

/* The fewest digits that read back as the same number; a real shows that it is one. */
static void put_real(Printer *w, double value) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fprintf(w->out, "%s%s", text, strpbrk(text, ".ein") ? "" : ".0");
}

static void put_expr(Printer *w, const Expr *expr);

static void put_operand(Printer *w, const Expr *expr) {
    fputc(' ', w->out);
    put_expr(w, expr);
}

static void put_args(Printer *w, const Arg *arg) {
    for (; arg; arg = arg->next) {
        if (!arg->name) {
            put_operand(w, arg->value);
            continue;
        }
        fprintf(w->out, " (%s =", arg->name);
        put_operand(w, arg->value);
        fputc(')', w->out);
    }
}

static void put_string(Printer *w, const StringPart *part) {
    if (!part || (!part->next && !part->expr)) {
        put_text(w, part ? part->text : "", part ? part->length : 0);
        return;
    }
    fputs("(text", w->out);
    for (; part; part = part->next) {
        fputc(' ', w->out);
        if (part->expr) put_expr(w, part->expr);
        else put_text(w, part->text, part->length);
    }
    fputc(')', w->out);
}

static void put_unit(Printer *w, Unit unit) {
    if (unit) fprintf(w->out, ":%s", unit_text(unit));
}

static void put_expr(Printer *w, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_ERROR:  fputs("(error)", w->out); break;
    case EXPR_INT:    fprintf(w->out, "%lld", (long long)expr->integer); put_unit(w, expr->unit); break;
    case EXPR_REAL:   put_real(w, expr->real); put_unit(w, expr->unit); break;
    case EXPR_BOOL:   fputs(expr->integer ? "true" : "false", w->out); break;
    case EXPR_STRING: put_string(w, expr->parts); break;
    case EXPR_NAME:   fputs(expr->name, w->out); break;
    case EXPR_CALL:   fputs("(call", w->out); put_operand(w, expr->base); put_args(w, expr->arguments); fputc(')', w->out); break;
    case EXPR_INDEX:  fputs("(index", w->out); put_operand(w, expr->base); put_args(w, expr->arguments); fputc(')', w->out); break;
    case EXPR_FIELD:  fputs("(field", w->out); put_operand(w, expr->base); fprintf(w->out, " %s)", expr->name); break;
    case EXPR_LABEL:  fprintf(w->out, "(label %s", expr->name); put_operand(w, expr->base); fputc(')', w->out); break;
    case EXPR_LIST:   fputs("(list", w->out); put_args(w, expr->arguments); fputc(')', w->out); put_unit(w, expr->unit); break;
    case EXPR_UNARY:  fprintf(w->out, "(%s", op_text(expr->op)); put_operand(w, expr->base); fputc(')', w->out); break;
    case EXPR_BINARY:
        fprintf(w->out, "(%s", op_text(expr->op));
        put_operand(w, expr->base);
        put_operand(w, expr->right);
        fputc(')', w->out);
        break;
    case EXPR_IF:
        fputs("(if", w->out);
        put_operand(w, expr->base);
        put_operand(w, expr->right);
        put_operand(w, expr->other);
        fputc(')', w->out);
        break;
    case EXPR_EACH:
        fprintf(w->out, "(each %s", expr->name);
        put_operand(w, expr->right);
        put_operand(w, expr->base);
        fputc(')', w->out);
        break;
    }
}

static void put_part(Printer *w, const char *what, const Expr *expr) {
    if (!expr) return;
    fprintf(w->out, " (%s", what);
    put_operand(w, expr);
    fputc(')', w->out);
}

/* name, name[binder in over] or name[over]. */
static void put_indexed(Printer *w, const char *name, const char *binder, const Expr *over) {
    fprintf(w->out, " %s", name);
    if (binder) {
        fprintf(w->out, " (each %s", binder);
        put_operand(w, over);
        fputc(')', w->out);
    } else {
        put_part(w, "over", over);
    }
}

/* ---- Statements ---- */

static void put_stmts(Printer *w, const Stmt *stmt);

static void put_block(Printer *w, const char *what, const Stmt *body) {
    put_line(w);
    fprintf(w->out, "(%s", what);
    w->indent++;
    put_stmts(w, body);
    w->indent--;
    fputc(')', w->out);
}

static void put_stmt(Printer *w, const Stmt *stmt) {
    static const char *const heads[] = {
        [STMT_ERROR] = "error", [STMT_LET] = "let", [STMT_ASSIGN] = "assign", [STMT_EXPR] = "do", [STMT_IF] = "if",
        [STMT_FOR] = "for", [STMT_RETURN] = "return", [STMT_BLOCK] = "block",
    };
    fprintf(w->out, "(%s", heads[stmt->kind]);
    if (stmt->kind == STMT_LET) put_indexed(w, stmt->name, stmt->binder, stmt->over);
    if (stmt->kind == STMT_FOR) fprintf(w->out, " %s", stmt->binder), put_operand(w, stmt->over);
    if (stmt->kind == STMT_BLOCK) fprintf(w->out, " %s", stmt->name);
    if (stmt->kind == STMT_ASSIGN) put_operand(w, stmt->target);
    if (stmt->value && stmt->kind != STMT_ERROR) put_operand(w, stmt->value);
    w->indent++;
    if (stmt->kind == STMT_IF) {
        put_block(w, "then", stmt->body);
        if (stmt->otherwise) put_block(w, "else", stmt->otherwise);
    } else {
        put_stmts(w, stmt->body);
    }
    w->indent--;
    fputc(')', w->out);
}

static void put_stmts(Printer *w, const Stmt *stmt) {
    for (; stmt; stmt = stmt->next) {
        put_line(w);
        put_stmt(w, stmt);
    }
}

/* ---- Definitions ---- */

static void put_doc(Printer *w, const char *doc) {
    if (!doc) return;
    put_line(w);
    fputs("(doc ", w->out);
    put_text(w, doc, strlen(doc));
    fputc(')', w->out);
}

static void put_properties(Printer *w, const Property *property) {
    for (; property; property = property->next) {
        put_line(w);
        fprintf(w->out, "(%s", property->name);
        put_operand(w, property->value);
        fputc(')', w->out);
    }
}

static void put_formals(Printer *w, const Formal *formal) {
    for (; formal; formal = formal->next) {
        put_line(w);
        fprintf(w->out, "(argument %s", formal->name);
        put_part(w, "type", formal->type);
        put_part(w, "value", formal->value);
        w->indent++;
        put_doc(w, formal->doc);
        w->indent--;
        fputc(')', w->out);
    }
}

static void put_members(Printer *w, const Member *member) {
    static const char *const heads[] = {
        [MEMBER_ERROR] = "error", [MEMBER_REQUIRES] = "requires", [MEMBER_STATE] = "state", [MEMBER_WEIGHT] = "weight",
        [MEMBER_LET] = "let", [MEMBER_PROPERTY] = "property", [MEMBER_ON] = "on",
    };
    for (; member; member = member->next) {
        put_line(w);
        fprintf(w->out, "(%s", heads[member->kind]);
        if (member->name) put_indexed(w, member->name, member->binder, member->over);
        if (member->argument) fprintf(w->out, " %s", member->argument);
        put_part(w, "type", member->type);
        put_part(w, "value", member->value);
        w->indent++;
        put_doc(w, member->doc);
        put_stmts(w, member->body);
        w->indent--;
        fputc(')', w->out);
    }
}

static void put_decl(Printer *w, const Decl *decl) {
    static const char *const heads[] = {
        [DECL_ERROR] = "error", [DECL_USE] = "use", [DECL_PARAM] = "param", [DECL_DATA] = "data", [DECL_MODALITY] = "modality",
        [DECL_TARGET] = "target", [DECL_FUSION] = "fusion", [DECL_TRAIN] = "train", [DECL_STAGE] = "stage",
        [DECL_ENCODER] = "encoder", [DECL_POLICY] = "policy", [DECL_METHOD] = "method",
    };
    put_line(w);
    fprintf(w->out, "(%s", heads[decl->kind]);
    if (decl->name) fprintf(w->out, " %s", decl->name);
    put_part(w, "type", decl->type);
    put_part(w, "value", decl->value);
    w->indent++;
    put_doc(w, decl->doc);
    put_formals(w, decl->formals);
    put_properties(w, decl->properties);
    for (const Decl *stage = decl->stages; stage; stage = stage->next) put_decl(w, stage);
    put_stmts(w, decl->body);
    put_members(w, decl->members);
    w->indent--;
    fputc(')', w->out);
}

void print_ast(const File *file, FILE *out) {
    Printer w = {out, 1};
    fputs("(file", out);
    for (const Decl *decl = file->decls; decl; decl = decl->next) put_decl(&w, decl);
    fputs(")\n", out);
}
