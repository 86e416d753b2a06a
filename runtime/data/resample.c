#include "data/resample.h"

#include <math.h>

/* Half the width of the filter, in input pixels. */
static double support_of(i64 in, i64 out) {
    return in > out ? (double)in / (double)out : 1;
}

static i64 taps_of(i64 in, i64 out) {
    return 2 * (i64)ceil(support_of(in, out)) + 1;
}

i64 mml_data_axis_floats(i64 in, i64 out) {
    return out * (taps_of(in, out) + 2);
}

DataAxis mml_data_axis(i64 in, i64 out, float *memory) {
    double support = support_of(in, out), step = (double)in / (double)out;
    DataAxis axis = { out, taps_of(in, out), (i32 *)memory, (i32 *)memory + out, memory + 2 * out };
    for (i64 i = 0; i < out; i++) {
        double centre = ((double)i + 0.5) * step, sum = 0;
        i64 first = (i64)(centre - support + 0.5), last = (i64)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (last > in) last = in;
        float *weights = axis.weights + i * axis.taps;
        for (i64 x = first; x < last; x++) {
            double distance = fabs(((double)x + 0.5 - centre) / support), weight = distance < 1 ? 1 - distance : 0;
            weights[x - first] = (float)weight;
            sum += weight;
        }
        for (i64 k = 0; k < last - first; k++) weights[k] = (float)(weights[k] / sum);
        axis.first[i] = (i32)first;
        axis.count[i] = (i32)(last - first);
    }
    return axis;
}

static void across(const float *in, const DataAxis *columns, float *out) {
    for (i64 x = 0; x < columns->out; x++) {
        const float *weights = columns->weights + x * columns->taps, *from = in + columns->first[x];
        float sum = 0;
        for (i32 k = 0; k < columns->count[x]; k++) sum += weights[k] * from[k];
        out[x] = sum;
    }
}

static void down(const float *in, const DataAxis *rows, i64 width, float *out) {
    for (i64 y = 0; y < rows->out; y++, out += width) {
        const float *weights = rows->weights + y * rows->taps, *from = in + rows->first[y] * width;
        for (i64 x = 0; x < width; x++) out[x] = 0;
        for (i32 k = 0; k < rows->count[y]; k++, from += width)
            for (i64 x = 0; x < width; x++) out[x] += weights[k] * from[x];
    }
}

void mml_data_resample(const float *in, i64 planes, i64 height, i64 width, DataBox box, const DataAxis *rows,
                       const DataAxis *columns, float *between, float *out) {
    for (i64 plane = 0; plane < planes; plane++, in += height * width, out += rows->out * columns->out) {
        for (i64 y = 0; y < box.height; y++)
            across(in + (box.top + y) * width + box.left, columns, between + y * columns->out);
        down(between, rows, columns->out, out);
    }
}

/* ---- Bytes: the three channels of a pixel, and a fourth lane that nobody looks at, as one vector ---- */

typedef float Lanes __attribute__((vector_size(16)));
typedef float Unaligned __attribute__((vector_size(16), aligned(4)));

static void across_pixels(const float *row, const DataAxis *columns, Lanes *out) {
    for (i64 x = 0; x < columns->out; x++) {
        const float *weights = columns->weights + x * columns->taps, *from = row + 3 * columns->first[x];
        Lanes sum = { 0 };
        for (i32 k = 0; k < columns->count[x]; k++, from += 3) sum += weights[k] * *(const Unaligned *)from;
        out[x] = sum;
    }
}

static void down_pixels(const Lanes *between, const DataAxis *rows, i64 y, i64 width, Lanes *sums) {
    const float *weights = rows->weights + y * rows->taps;
    const Lanes *from = between + rows->first[y] * width;
    for (i64 x = 0; x < width; x++) sums[x] = (Lanes){ 0 };
    for (i32 k = 0; k < rows->count[y]; k++, from += width)
        for (i64 x = 0; x < width; x++) sums[x] += weights[k] * from[x];
}

void mml_data_resample_pixels(const u8 *pixels, i64 width, DataBox box, const DataAxis *rows, const DataAxis *columns,
                              float *between, float *out) {
    i64 out_width = columns->out, plane = rows->out * out_width;
    Lanes *lanes = (Lanes *)(((uintptr_t)between + 15) / 16 * 16), *sums = lanes + box.height * out_width;
    float *row = (float *)(sums + out_width);
    row[3 * box.width] = 0;
    for (i64 y = 0; y < box.height; y++) {
        const u8 *from = pixels + 3 * ((box.top + y) * width + box.left);
        for (i64 i = 0; i < 3 * box.width; i++) row[i] = from[i];
        across_pixels(row, columns, lanes + y * out_width);
    }
    for (i64 y = 0; y < rows->out; y++, out += out_width) {
        down_pixels(lanes, rows, y, out_width, sums);
        for (int channel = 0; channel < 3; channel++)
            for (i64 x = 0; x < out_width; x++) out[channel * plane + x] = sums[x][channel];
    }
}
