#include "train/report_chart.h"

#include <math.h>
#include <string.h>
#include "train/json.h"

/* ---- Text ---- */

void mml_chart_text(FILE *page, const char *text) {
    for (const char *s = text ? text : ""; *s;) {
        int length = mml_utf8_length(s);
        if (!length) {
            fputs("\xef\xbf\xbd", page);
            s++;
            continue;
        }
        switch (*s) {
        case '&': fputs("&amp;", page); break;
        case '<': fputs("&lt;", page); break;
        case '>': fputs("&gt;", page); break;
        case '"': fputs("&quot;", page); break;
        default: fwrite(s, 1, (size_t)length, page);
        }
        s += length;
    }
}

/* ---- Axes ---- */

typedef struct { double left, right, top, bottom, from, to, low, high; } Frame;

#define LEFT   64.0
#define RIGHT  12.0
#define TOP    24.0
#define BOTTOM 34.0

static double x_of(const Frame *f, double x) { return f->left + (x - f->from) / (f->to - f->from) * (f->right - f->left); }
static double y_of(const Frame *f, double y) { return f->bottom - (y - f->low) / (f->high - f->low) * (f->bottom - f->top); }

/* 1, 2 or 5 times a power of ten: at most `count` steps over the range. */
static double nice_step(double range, int count) {
    double power = pow(10, floor(log10(range / count)));
    static const double factors[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (range / (factors[i] * power) <= count) return factors[i] * power;
    return 10 * power;
}

static void widen(double value, double *low, double *high) {
    if (!isfinite(value)) return;
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* Zero is on the axis: accuracies and bits are read by their height. */
static void value_range(const Chart *chart, double *low, double *high) {
    *low = *high = 0;
    for (int s = 0; s < chart->series_count; s++)
        for (int i = 0; i < chart->points; i++) {
            double value = chart->series[s].values[i], error = chart->series[s].errors ? chart->series[s].errors[i] : 0;
            widen(value - (isfinite(error) ? error : 0), low, high);
            widen(value + (isfinite(error) ? error : 0), low, high);
        }
    if (*high - *low < 1e-12) *high = *low + 1;
    double step = nice_step(*high - *low, 5);
    *low = floor(*low / step + 1e-9) * step;
    *high = ceil(*high / step - 1e-9) * step;
}

static void value_axis(FILE *page, const Chart *chart, const Frame *f) {
    double step = nice_step(f->high - f->low, 5);
    for (double value = f->low; value <= f->high + step / 2; value += step) {
        double y = y_of(f, value);
        fprintf(page, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", f->left, f->right, y, y);
        double shown = fabs(value) < step / 1e3 ? 0 : chart->percent ? 100 * value : value;
        fprintf(page, "<text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">%g%s</text>", f->left - 6, y + 4, shown, chart->percent ? " %" : "");
    }
}

static void epoch_axis(FILE *page, const Frame *f) {
    int most = (int)((f->right - f->left) / 40);
    double step = fmax(1, nice_step(f->to - f->from, most > 1 ? most : 1));
    for (double epoch = ceil(f->from / step) * step; epoch <= f->to + 1e-9; epoch += step)
        fprintf(page, "<text class=\"axis middle\" x=\"%.1f\" y=\"%.1f\">%g</text>", x_of(f, epoch), f->bottom + 16, epoch);
    fprintf(page, "<text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">epochs trained</text>", f->right, f->bottom + 30);
}

static void part_names(FILE *page, const ChartPart *parts, int count, const Frame *f) {
    for (int p = 0; p < count; p++) {
        double x = x_of(f, parts[p].from), width = x_of(f, parts[p].to) - x;
        if (p) fprintf(page, "<line class=\"part\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, f->top - 14, f->bottom);
        if (width < 7.0 * (double)strlen(parts[p].name)) continue;
        fprintf(page, "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\">", x + 4, f->top - 8);
        mml_chart_text(page, parts[p].name);
        fputs("</text>", page);
    }
}

static void begin(FILE *page, const char *label, int width, double height) {
    fprintf(page, "<svg class=\"%s\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"", width < 500 ? "narrow" : "wide", width, height);
    mml_chart_text(page, label);
    fputs("\">", page);
}

/* ---- Lines ---- */

static void error_band(FILE *page, const Chart *chart, const ChartSeries *s, const Frame *f) {
    int from = 0;
    while (from < chart->points) {
        while (from < chart->points && !(isfinite(s->values[from]) && isfinite(s->errors[from]))) from++;
        int to = from;
        while (to < chart->points && isfinite(s->values[to]) && isfinite(s->errors[to])) to++;
        if (to > from + 1) {
            fprintf(page, "<path class=\"band s%d\" d=\"", s->colour);
            for (int i = from; i < to; i++)
                fprintf(page, "%c%.1f %.1f", i == from ? 'M' : 'L', x_of(f, chart->at[i]), y_of(f, s->values[i] + s->errors[i]));
            for (int i = to - 1; i >= from; i--) fprintf(page, "L%.1f %.1f", x_of(f, chart->at[i]), y_of(f, s->values[i] - s->errors[i]));
            fputs("Z\"/>", page);
        }
        from = to;
    }
}

static void line(FILE *page, const Chart *chart, const ChartSeries *s, const Frame *f) {
    fprintf(page, "<path class=\"line s%d%s\" d=\"", s->colour, s->dashed ? " dashed" : "");
    int pen = 0;
    for (int i = 0; i < chart->points; i++) {
        if (!isfinite(s->values[i])) { pen = 0; continue; }
        fprintf(page, "%c%.1f %.1f", pen ? 'L' : 'M', x_of(f, chart->at[i]), y_of(f, s->values[i]));
        pen = 1;
    }
    fputs("\"/>", page);
}

/* Dots say where the values are; from 60 on they would hide the line, and only ones that stand alone are drawn. */
static void dots(FILE *page, const Chart *chart, const ChartSeries *s, const Frame *f) {
    for (int i = 0; i < chart->points; i++) {
        if (!isfinite(s->values[i])) continue;
        int alone = (i == 0 || !isfinite(s->values[i - 1])) && (i + 1 == chart->points || !isfinite(s->values[i + 1]));
        if (chart->points > 60 && !alone) continue;
        fprintf(page, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"><title>", s->colour, x_of(f, chart->at[i]), y_of(f, s->values[i]));
        mml_chart_text(page, s->name);
        fprintf(page, ", epoch %g: %.4g%s</title></circle>", chart->at[i], chart->percent ? 100 * s->values[i] : s->values[i], chart->percent ? " %" : "");
    }
}

static void marks(FILE *page, const Chart *chart, const Frame *f) {
    for (int i = 0; i < chart->mark_count; i++) {
        const ChartMark *mark = &chart->marks[i];
        double x = x_of(f, mark->at);
        fprintf(page, "<g class=\"mark\"><title>");
        mml_chart_text(page, mark->text);
        fprintf(page, "</title><line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>"
                "<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%d</text></g>", x, x, f->top, f->bottom, x, f->top + 10, x, f->top + 14, mark->number);
    }
}

void mml_chart_lines(FILE *page, const Chart *chart, int width) {
    double height = width < 500 ? 240 : 280;
    Frame f = {.left = LEFT, .right = width - RIGHT, .top = TOP, .bottom = height - BOTTOM, .from = chart->from, .to = chart->to};
    if (f.to - f.from < 1) f.to = f.from + 1;
    value_range(chart, &f.low, &f.high);
    begin(page, chart->label, width, height);
    value_axis(page, chart, &f);
    epoch_axis(page, &f);
    part_names(page, chart->parts, chart->part_count, &f);
    for (int s = 0; s < chart->series_count; s++)
        if (chart->series[s].errors) error_band(page, chart, &chart->series[s], &f);
    for (int s = 0; s < chart->series_count; s++) line(page, chart, &chart->series[s], &f);
    for (int s = 0; s < chart->series_count; s++) dots(page, chart, &chart->series[s], &f);
    marks(page, chart, &f);
    fputs("</svg>\n", page);
}

void mml_chart_legend(FILE *page, const Chart *chart) {
    fputs("<p class=\"legend\">", page);
    for (int s = 0; s < chart->series_count; s++) {
        const ChartSeries *series = &chart->series[s];
        fprintf(page, "<span><svg class=\"key\" viewBox=\"0 0 22 8\"><path class=\"line s%d%s\" d=\"M1 4H21\"/></svg> ", series->colour, series->dashed ? " dashed" : "");
        mml_chart_text(page, series->name);
        fputs("</span> ", page);
    }
    fputs("</p>\n", page);
}

/* ---- Bands ---- */

#define ROW 22.0

void mml_chart_band(FILE *page, const Band *band, int width) {
    double height = TOP + band->rows * ROW + BOTTOM;
    Frame f = {.left = LEFT, .right = width - RIGHT, .top = TOP, .bottom = height - BOTTOM, .from = 0, .to = band->columns > 0 ? band->columns : 1};
    begin(page, band->label, width, height);
    for (int row = 0; row < band->rows; row++) {
        double y = f.top + row * ROW + 3;
        fprintf(page, "<text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">", f.left - 6, y + 12);
        char name[16];
        snprintf(name, sizeof name, strlen(band->names[row]) > 9 ? "%.8s…" : "%s", band->names[row]);
        mml_chart_text(page, name);
        fputs("</text>", page);
        for (int from = 0; from < band->columns;) {
            int to = from;
            while (to < band->columns && band->on[row * band->columns + to]) to++;
            if (to > from) fprintf(page, "<rect class=\"fill s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"/>", band->colours[row],
                                   x_of(&f, from), y, x_of(&f, to) - x_of(&f, from) - 1, ROW - 6);
            from = to > from ? to : from + 1;
        }
    }
    part_names(page, band->parts, band->part_count, &f);
    epoch_axis(page, &f);
    fputs("</svg>\n", page);
}
