/* What diag.c collects and diag_text.c and diag_json.c write. Only they see it. */
#ifndef SUPPORT_DIAG_RECORDS_H
#define SUPPORT_DIAG_RECORDS_H

#include "support/diag.h"

typedef struct Remark {
    struct Remark *next;
    int            help;               /* 0: a note */
    Span           span;
    const char    *text;
} Remark;

struct Diagnostic {
    DiagCode    code;
    Span        span;
    const char *text;
    Remark     *remarks, **last_remark;
    int         order;                 /* of its source: as first reported about */
};

/* "error" or "warning", by the code's letter. */
const char *diagnostic_severity(const Diagnostic *diagnostic);

void diag_write_text(const Diagnostic *const *sorted, int count, FILE *out, int color);
void diag_write_json(const Diagnostic *const *sorted, int count, FILE *out);

#endif
