/* Losses over the batch. A batch has some thousand logits at most, so they are
 * summed on one thread, in double. */
#include "kernel.h"
#include "softmax.h"

void mml_ce_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    const float *weight = operand[1];
    double sum = 0.0;
    for (i64 i = 0; i < batch; i++) {
        const float *z = operand[0] + i * classes;
        float *probability = operand[3] + i * classes;
        double normaliser = log_sum_exp(z, classes);
        for (i64 k = 0; k < classes; k++) probability[k] = (float)exp((double)z[k] - normaliser);
        sum += (weight ? (double)weight[i] : 1.0) * (normaliser - (double)z[frame->labels[i]]);
    }
    *operand[2] = (float)(sum / (double)batch);
}

/* dz = dl / batch * weight * (p - onehot) */
void mml_ce_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    const float *weight = operand[2];
    if (!operand[3]) return;
    for (i64 i = 0; i < batch; i++) {
        const float *probability = operand[1] + i * classes;
        float *dz = operand[3] + i * classes;
        float factor = *operand[0] / (float)batch * (weight ? weight[i] : 1.0f);
        for (i64 k = 0; k < classes; k++) dz[k] = factor * probability[k];
        dz[frame->labels[i]] = factor * (probability[frame->labels[i]] - 1.0f);
    }
}

void mml_mse_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 count = frame->batch * attr[0].i;
    const float *a = operand[0], *b = operand[1];
    double sum = 0.0;
    for (i64 i = 0; i < count; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    *operand[2] = (float)(sum / (double)count);
}

void mml_mse_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 count = frame->batch * attr[0].i;
    const float *a = operand[1], *b = operand[2];
    float *da = operand[3], *db = operand[4], factor = 2.0f * *operand[0] / (float)count;
    for (i64 i = 0; i < count; i++) {
        float gradient = factor * (a[i] - b[i]);
        if (da) da[i] = gradient;
        if (db) db[i] = -gradient;
    }
}

/* KL(softmax(a) || softmax(b)) of one sample. */
static double divergence(const float *a, const float *b, i64 classes, double log_a, double log_b) {
    double sum = 0.0;
    for (i64 k = 0; k < classes; k++) {
        double log_p = (double)a[k] - log_a, log_q = (double)b[k] - log_b;
        sum += exp(log_p) * (log_p - log_q);
    }
    return sum;
}

void mml_kl_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    double sum = 0.0;
    for (i64 i = 0; i < batch; i++) {
        const float *a = operand[0] + i * classes, *b = operand[1] + i * classes;
        sum += divergence(a, b, classes, log_sum_exp(a, classes), log_sum_exp(b, classes));
    }
    *operand[2] = (float)(sum / (double)batch);
}

/* da = dl / batch * p (log p - log q - KL), db = dl / batch * (q - p) */
void mml_kl_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    double factor = (double)*operand[0] / (double)batch;
    for (i64 i = 0; i < batch; i++) {
        const float *a = operand[1] + i * classes, *b = operand[2] + i * classes;
        float *da = operand[3], *db = operand[4];
        double log_a = log_sum_exp(a, classes), log_b = log_sum_exp(b, classes);
        double whole = divergence(a, b, classes, log_a, log_b);
        for (i64 k = 0; k < classes; k++) {
            double log_p = (double)a[k] - log_a, log_q = (double)b[k] - log_b, p = exp(log_p);
            if (da) da[i * classes + k] = (float)(factor * p * (log_p - log_q - whole));
            if (db) db[i * classes + k] = (float)(factor * (exp(log_q) - p));
        }
    }
}

static double entropy_of(const float *z, i64 classes, double normaliser) {
    double sum = 0.0;
    for (i64 k = 0; k < classes; k++) {
        double log_p = (double)z[k] - normaliser;
        sum -= exp(log_p) * log_p;
    }
    return sum;
}

void mml_entropy_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    double sum = 0.0;
    for (i64 i = 0; i < batch; i++) {
        const float *z = operand[0] + i * classes;
        sum += entropy_of(z, classes, log_sum_exp(z, classes));
    }
    *operand[1] = (float)(sum / (double)batch);
}

/* dz = -dl / batch * p (log p + H) */
void mml_entropy_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i, batch = frame->batch;
    double factor = (double)*operand[0] / (double)batch;
    if (!operand[2]) return;
    for (i64 i = 0; i < batch; i++) {
        const float *z = operand[1] + i * classes;
        float *dz = operand[2] + i * classes;
        double normaliser = log_sum_exp(z, classes), entropy = entropy_of(z, classes, normaliser);
        for (i64 k = 0; k < classes; k++) {
            double log_p = (double)z[k] - normaliser;
            dz[k] = (float)(-factor * exp(log_p) * (log_p + entropy));
        }
    }
}

void mml_confidence_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i;
    for (i64 i = 0; i < frame->batch; i++) {
        const float *z = operand[0] + i * classes;
        operand[1][i] = (float)exp((double)z[frame->labels[i]] - log_sum_exp(z, classes));
    }
}

/* dz_k = dc * p_y ([k = y] - p_k) */
void mml_confidence_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i;
    if (!operand[2]) return;
    for (i64 i = 0; i < frame->batch; i++) {
        const float *z = operand[1] + i * classes;
        float *dz = operand[2] + i * classes;
        double normaliser = log_sum_exp(z, classes);
        double confidence = exp((double)z[frame->labels[i]] - normaliser), factor = (double)operand[0][i] * confidence;
        for (i64 k = 0; k < classes; k++) dz[k] = (float)(-factor * exp((double)z[k] - normaliser));
        dz[frame->labels[i]] = (float)(factor * (1.0 - confidence));
    }
}

void mml_softmax_forward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i;
    for (i64 i = 0; i < frame->batch; i++) {
        const float *z = operand[0] + i * classes;
        float *p = operand[1] + i * classes;
        double normaliser = log_sum_exp(z, classes);
        for (i64 k = 0; k < classes; k++) p[k] = (float)exp((double)z[k] - normaliser);
    }
}

/* dz_k = p_k (dp_k - sum_j p_j dp_j) */
void mml_softmax_backward(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    i64 classes = attr[0].i;
    if (!operand[2]) return;
    for (i64 i = 0; i < frame->batch; i++) {
        const float *dp = operand[0] + i * classes, *p = operand[1] + i * classes;
        float *dz = operand[2] + i * classes;
        double mean = 0.0;
        for (i64 k = 0; k < classes; k++) mean += (double)p[k] * (double)dp[k];
        for (i64 k = 0; k < classes; k++) dz[k] = (float)((double)p[k] * ((double)dp[k] - mean));
    }
}
