/* One decode step of a Llama-like decoder on a CPU: a token a row in, logits out. compiled.py builds it with
 * the machine's compiler, packs the weights, and says what goes in and out.
 *
 * All of a step is one parallel region: torch's operations would go through memory, and wake and await their
 * threads, thirty times a layer. Products are shared out by columns and by blocks of rows, all else by rows;
 * nothing is ever summed across threads, so that numbers do not depend on how many there are.
 *
 * D, the width of a head, and G, how many query heads share a key/value head, come from the compiler's
 * command line, so that loops over them are unrolled.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#define TILE 8
#elif defined(__AVX__)
#define LANES 8
#define TILE 6
#else
#define LANES 4
#define TILE 6
#endif

#define PANEL (2 * LANES) /* columns of a product that are computed together: 2 TILE sums stay in registers */
#define ROWS 96           /* of a block that one thread takes: a multiple of both TILEs */
#define KEYS 64           /* that attention takes at a time */

typedef float Lanes __attribute__((vector_size(4 * LANES), aligned(4)));

/* x W^T + b. Of a panel all inputs' weights lie side by side, [outputs / PANEL, inputs, PANEL], and so do
 * biases; there are zeros after the last column. */
typedef struct {
    const float *panels, *biases;
    int64_t inputs, outputs;
} Linear;

typedef struct {
    const float *input_norm, *query_norm, *key_norm, *post_norm;
    Linear qkv, out, gate, up, down;
    int64_t window; /* 0 for none */
} Layer;

typedef struct {
    const float *embed, *rotary, *norm;
    const Layer *layers;
    Linear head;
    int64_t count, hidden, kv_heads; /* count: of layers */
    float eps;
} Model;

typedef struct {
    float *numbers;
    int64_t layer, kind, row, head; /* strides; kind: from keys to values */
} Cache;

int64_t panel_width(void) { return PANEL; }

/* e^x for x <= 0, as a power of 2, to about 1e-7 of 1; below -87 that of -87. */
static inline float exponential(float x) {
    float t = (x < -87.0f ? -87.0f : x) * 1.44269504f; /* a NaN passes */
    float n = rintf(t), f = t - n;
    float p = 1.5252734e-5f;
    p = p * f + 1.5403530e-4f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float silu(float x) {
    float e = exponential(-fabsf(x)); /* never above 1 */
    return x * (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline float inverse_length(const float *row, int64_t width, float eps) {
    float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; i++) squares += row[i] * row[i];
    return 1.0f / sqrtf(squares / width + eps);
}

static void norms(const float *hidden, const float *weight, int64_t rows, int64_t width, float eps,
                  float *normed) {
#pragma omp for
    for (int64_t row = 0; row < rows; row++) {
        const float *from = hidden + row * width;
        float scale = inverse_length(from, width, eps), *to = normed + row * width;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) to[i] = from[i] * scale * weight[i];
    }
}

/* Rows times the panel that begins at `column`; `tile`, how many, is a constant wherever this is called. */
static inline __attribute__((always_inline)) void product(int tile, const Linear *by, int64_t column,
                                                          const float *input, float sums[][PANEL]) {
    const float *panel = by->panels + column * by->inputs;
    Lanes low[TILE], high[TILE];
    for (int r = 0; r < tile; r++) {
        low[r] = *(const Lanes *)(by->biases + column);
        high[r] = *(const Lanes *)(by->biases + column + LANES);
    }
    for (int64_t i = 0; i < by->inputs; i++) {
        Lanes first = *(const Lanes *)(panel + i * PANEL);
        Lanes second = *(const Lanes *)(panel + i * PANEL + LANES);
        for (int r = 0; r < tile; r++) {
            low[r] += input[r * by->inputs + i] * first;
            high[r] += input[r * by->inputs + i] * second;
        }
    }
    for (int r = 0; r < tile; r++) {
        *(Lanes *)sums[r] = low[r];
        *(Lanes *)(sums[r] + LANES) = high[r];
    }
}

/* As many of the rows that are left as fit; returns how many. */
static inline int products(int64_t left, const Linear *by, int64_t column, const float *input,
                           float sums[][PANEL]) {
    if (left >= TILE) return product(TILE, by, column, input, sums), TILE;
    if (left >= 4) return product(4, by, column, input, sums), 4;
    if (left >= 2) return product(2, by, column, input, sums), 2;
    return product(1, by, column, input, sums), 1;
}

/* out = x W^T + b; with `gate` silu(x G^T + c) * (x W^T + b); with `add` out + x W^T + b. */
static void linear(const Linear *by, const Linear *gate, int add, const float *input, int64_t rows,
                   float *out) {
#pragma omp for collapse(2)
    for (int64_t column = 0; column < by->outputs; column += PANEL) {
        for (int64_t block = 0; block < rows; block += ROWS) {
            int64_t width = by->outputs - column < PANEL ? by->outputs - column : PANEL;
            int64_t end = rows - block < ROWS ? rows : block + ROWS;
            for (int64_t row = block, took; row < end; row += took) {
                float sums[TILE][PANEL], opened[TILE][PANEL];
                took = products(end - row, by, column, input + row * by->inputs, sums);
                if (gate) products(end - row, gate, column, input + row * by->inputs, opened);
                for (int r = 0; r < took; r++) {
                    float *to = out + (row + r) * by->outputs + column;
                    for (int p = 0; gate && p < PANEL; p++) sums[r][p] *= silu(opened[r][p]);
                    for (int p = 0; add && p < width; p++) sums[r][p] += to[p];
                    memcpy(to, sums[r], width * sizeof *to);
                }
            }
        }
    }
}

/* Norm a head where there is a norm, and turn it where there are angles; pairs are side by side. */
static inline void turn(const float *head, const float *norm, const float *angles, float eps, float *result) {
    float scale = norm ? inverse_length(head, D, eps) : 1.0f;
    for (int d = 0; d < D; d += 2) {
        float even = norm ? head[d] * scale * norm[d] : head[d];
        float odd = norm ? head[d + 1] * scale * norm[d + 1] : head[d + 1];
        result[d] = even * angles[d] - odd * angles[d + 1];
        result[d + 1] = even * angles[d + 1] + odd * angles[d];
    }
}

static inline float dot(const float *a, const float *b) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int d = 0; d < D; d++) sum += a[d] * b[d];
    return sum;
}

/* Queries that share keys and values; sums are kept relative to the best score so far (Dao 2023). */
static void attend(float queries[G][D], const float *keys, const float *values, int64_t first, int64_t end,
                   float *mixed) {
    float best[G], total[G] = {0}, sums[G][D] = {{0}}, scores[G][KEYS];
    for (int g = 0; g < G; g++) best[g] = -INFINITY;
    for (int64_t start = first; start < end; start += KEYS) {
        int count = end - start < KEYS ? (int)(end - start) : KEYS;
        for (int l = 0; l < count; l++)
            for (int g = 0; g < G; g++) scores[g][l] = dot(queries[g], keys + (start + l) * D);
        for (int g = 0; g < G; g++) {
            float higher = best[g], sum = 0.0f;
#pragma omp simd reduction(max : higher)
            for (int l = 0; l < count; l++) higher = scores[g][l] > higher ? scores[g][l] : higher;
#pragma omp simd reduction(+ : sum)
            for (int l = 0; l < count; l++) sum += scores[g][l] = exponential(scores[g][l] - higher);
            float kept = start == first ? 0.0f : exponential(best[g] - higher);
            total[g] = total[g] * kept + sum;
            for (int d = 0; d < D; d++) sums[g][d] *= kept;
            best[g] = higher;
        }
        for (int l = 0; l < count; l++)
            for (int g = 0; g < G; g++)
                for (int d = 0; d < D; d++) sums[g][d] += scores[g][l] * values[(start + l) * D + d];
    }
    for (int g = 0; g < G; g++)
        for (int d = 0; d < D; d++) mixed[g * D + d] = sums[g][d] / total[g];
}

/* Keep each row's keys and values, and attend to all of its text. heads: [rows, (G + 2) kv, D]. */
static void mix(const Model *model, const Layer *layer, const float *heads, const int64_t *positions,
                int64_t rows, float *keys, const Cache *cache, float *mixed) {
    int64_t kv = model->kv_heads;
    float scale = 1.0f / sqrtf(D);
#pragma omp for schedule(dynamic)
    for (int64_t row = 0; row < rows; row++) {
        const float *mine = heads + row * kv * (G + 2) * D, *angles = model->rotary + positions[row] * D;
        int64_t end = positions[row] + 1;
        int64_t first = layer->window && end > layer->window ? end - layer->window : 0;
        for (int64_t head = 0; head < kv; head++) {
            float queries[G][D], *text = keys + row * cache->row + head * cache->head;
            turn(mine + (kv * G + head) * D, layer->key_norm, angles, model->eps, text + positions[row] * D);
            memcpy(text + cache->kind + positions[row] * D, mine + (kv * (G + 1) + head) * D, 4 * D);
            for (int g = 0; g < G; g++) {
                turn(mine + (head * G + g) * D, layer->query_norm, angles, model->eps, queries[g]);
                for (int d = 0; d < D; d++) queries[g][d] *= scale;
            }
            attend(queries, text, text + cache->kind, first, end, mixed + (row * kv + head) * G * D);
        }
    }
}

void step(const Model *model, const int64_t *tokens, const int64_t *positions, int64_t rows,
          const Cache *cache, float *scratch, float *logits, int threads) {
    int64_t width = model->hidden, heads = model->kv_heads * G * D;
    float *hidden = scratch, *normed = hidden + rows * width, *fused = normed + rows * width;
    float *mixed = fused + rows * (heads + 2 * model->kv_heads * D), *inner = mixed + rows * heads;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for
        for (int64_t row = 0; row < rows; row++)
            memcpy(hidden + row * width, model->embed + tokens[row] * width, 4 * width);
        for (int64_t index = 0; index < model->count; index++) {
            const Layer *layer = model->layers + index;
            norms(hidden, layer->input_norm, rows, width, model->eps, normed);
            linear(&layer->qkv, NULL, 0, normed, rows, fused);
            mix(model, layer, fused, positions, rows, cache->numbers + index * cache->layer, cache, mixed);
            linear(&layer->out, NULL, 1, mixed, rows, hidden);
            norms(hidden, layer->post_norm, rows, width, model->eps, normed);
            linear(&layer->up, &layer->gate, 0, normed, rows, inner);
            linear(&layer->down, NULL, 1, inner, rows, hidden);
        }
        norms(hidden, model->norm, rows, width, model->eps, normed);
        linear(&model->head, NULL, 0, normed, rows, logits);
    }
}
