#include "driver/catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "driver/say.h"
#include "support/diag.h"
#include "support/intern.h"

enum { COLUMNS = 78 };

/* text in lines of at most COLUMNS, broken at blanks. */
static void put_wrapped(const char *text) {
    int column = 0;
    while (*text) {
        text += strspn(text, " \n");
        int length = (int)strcspn(text, " \n"), columns = 0;
        for (int i = 0; i < length; i++) columns += (text[i] & 0xC0) != 0x80;
        if (!length) break;
        if (column && column + 1 + columns > COLUMNS) putchar('\n'), column = 0;
        if (column) putchar(' '), column++;
        fwrite(text, 1, (size_t)length, stdout);
        column += columns;
        text   += length;
    }
    putchar('\n');
}

static void put_example(const char *title, const char *text) {
    printf("\n%s\n\n", title);
    while (*text) {
        int length = (int)strcspn(text, "\n");
        printf(length ? "    %.*s\n" : "%.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static int list(void) {
    for (int i = 0; i < DIAGNOSTIC_COUNT; i++) {
        const DiagEntry *entry = diag_entry(diag_code_text((DiagCode)i));
        printf("%s  %s\n", entry->code, entry->title);
    }
    return finish_output(EXIT_FINE);
}

static int unknown(const char *code) {
    const char *codes[DIAGNOSTIC_COUNT];
    for (int i = 0; i < DIAGNOSTIC_COUNT; i++) codes[i] = diag_code_text((DiagCode)i);
    const char *nearest = nearest_name(code, codes, DIAGNOSTIC_COUNT);
    say_error("there is no diagnostic `%s`", code);
    if (nearest) say_help("did you mean %s? `mmlc explain` lists them all", nearest);
    else say_help("`mmlc explain` lists them all");
    return EXIT_CALL;
}

int explain_command(const char *code) {
    if (!code) return list();
    char name[16];
    snprintf(name, sizeof name, "%s%s", isdigit((unsigned char)code[0]) ? "E" : "", code);
    name[0] = (char)toupper((unsigned char)name[0]);
    const DiagEntry *entry = strlen(code) < sizeof name ? diag_entry(name) : NULL;
    if (!entry) return unknown(code);
    printf("%s: %s\n\n", entry->code, entry->title);
    put_wrapped(entry->meaning);
    put_example("Instead of", entry->wrong);
    put_example("write", entry->right);
    return finish_output(EXIT_FINE);
}
