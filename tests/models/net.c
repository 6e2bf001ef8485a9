#include "tests/models/net.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/math.h"
#include "tests/models/matrix.h"
#include "tests/models/world.h"
#include <string.h>

enum {
    BLOCK = 64
}; /* rows of attention worked on at once: later columns are masked and not computed */

enum part { ATTN_NORM, FFN_NORM, WQ, WK, WV, WO, W1, W3, W2, PARTS };

/* What one layer leaves behind for the way back. */
struct trace {
    float in[NET_T][NET_H], h1[NET_T][NET_H], r1[NET_T];
    float q[NET_T][NET_H], k[NET_T][NET_H], v[NET_T][NET_H];
    float p[NET_N][NET_T][NET_T];
    float mix[NET_T][NET_H], mid[NET_T][NET_H], h2[NET_T][NET_H], r2[NET_T];
    float gate[NET_T][NET_F], up[NET_T][NET_F], act[NET_T][NET_F];
};

struct net {
    struct trace layer[NET_L];
    float out[NET_T][NET_H], h[NET_T][NET_H], r[NET_T];
    float logits[NET_T][NET_V];
    float cosine[NET_T][NET_D / 2], sine[NET_T][NET_D / 2];
    float turned[NET_D][NET_T]; /* one head's keys or values, transposed */
    float dx[NET_T][NET_H], dh[NET_T][NET_H], dq[NET_T][NET_H], dk[NET_T][NET_H], dv[NET_T][NET_H];
    float ds[NET_T][NET_T], dgate[NET_T][NET_F], dup[NET_T][NET_F];
};

static struct slot slots[NET_SLOTS];
static size_t total;

static void name_slot(size_t i, const char *name, size_t rows, size_t cols)
{
    struct slot *s = &slots[i];
    text_fmt(s->name, sizeof s->name, "%s", name);
    s->at = total;
    s->rows = rows;
    s->cols = cols;
    total += rows * cols;
}

const struct slot *net_slots(size_t *parameters)
{
    static const struct {
        const char *name;
        size_t rows, cols;
    } parts[PARTS] = {{"attn_norm", 1, NET_H}, {"ffn_norm", 1, NET_H}, {"wq", NET_H, NET_H},
                      {"wk", NET_H, NET_H},    {"wv", NET_H, NET_H},   {"wo", NET_H, NET_H},
                      {"w1", NET_F, NET_H},    {"w3", NET_F, NET_H},   {"w2", NET_H, NET_F}};
    if (total == 0) {
        name_slot(0, "tok_embeddings.weight", NET_V, NET_H);
        name_slot(1, "norm.weight", 1, NET_H);
        for (size_t l = 0; l < NET_L; l++)
            for (size_t p = 0; p < PARTS; p++) {
                char name[40];
                text_fmt(name, sizeof name, "layers.%zu.%s.weight", l, parts[p].name);
                name_slot(2 + l * PARTS + p, name, parts[p].rows, parts[p].cols);
            }
    }
    *parameters = total;
    return slots;
}

/* Where a layer's part begins in a parameter array. */
static size_t place(size_t layer, enum part p)
{
    return slots[2 + layer * PARTS + p].at;
}

static float normal(struct dice *d)
{
    double u = ((double)(dice_roll(d) >> 11) + 1) / 9007199254740993.0,
           v = (double)(dice_roll(d) >> 11) / 9007199254740992.0;
    float cosine, sine;
    math_rotation(6.283185307179586 * v, &cosine, &sine);
    return math_sqrt((float)(-2 * math_log(u))) * cosine;
}

void net_begin(float *params, uint64_t seed)
{
    size_t n;
    const struct slot *s = net_slots(&n);
    struct dice d = {.state = seed};
    for (size_t i = 0; i < NET_SLOTS; i++, s++) {
        /* what writes to the residual stream begins smaller, by the number of such writes */
        bool writer = strstr(s->name, ".wo.") != NULL || strstr(s->name, ".w2.") != NULL;
        float sigma = writer ? 0.02f / math_sqrt(2.0f * NET_L) : i == 0 ? 0.02f : 0.05f;
        for (size_t k = 0; k < s->rows * s->cols; k++)
            params[s->at + k] = s->rows == 1 ? 1.0f : sigma * normal(&d);
    }
}

struct net *net_open(void)
{
    size_t unused;
    net_slots(&unused);
    struct net *n = heap_zero(1, sizeof *n);
    for (size_t t = 0; n != NULL && t < NET_T; t++)
        for (size_t i = 0; i < NET_D / 2; i++) {
            double frequency =
                math_exp_wide(-2.0 * (double)i / NET_D * math_log((double)NET_THETA));
            math_rotation((double)t * frequency, &n->cosine[t][i], &n->sine[t][i]);
        }
    return n;
}

void net_close(struct net *n)
{
    heap_free(n);
}

const float *net_logits(const struct net *n)
{
    return n->logits[0];
}

void net_transpose(const float *params, float *transposed)
{
    size_t unused;
    const struct slot *s = net_slots(&unused);
    for (size_t i = 0; i < NET_SLOTS; i++, s++)
        for (size_t r = 0; r < s->rows; r++)
            for (size_t c = 0; c < s->cols; c++)
                transposed[s->at + c * s->rows + r] = params[s->at + r * s->cols + c];
}

static struct view rows(const float *p, size_t width)
{
    return (struct view){.p = (float *)(uintptr_t)p, .row = width, .col = 1};
}

static struct view columns(const float *p, size_t width)
{
    return (struct view){.p = (float *)(uintptr_t)p, .row = 1, .col = width};
}

/* y[T,out] = x[T,in] · Wᵀ, with the transposed matrix at wt [in,out]. */
static void linear(const float *x, const float *wt, float *y, size_t in, size_t out)
{
    multiply(NET_T, out, in, rows(x, in), rows(wt, out), rows(y, out), false);
}

/* Given dy: dx[T,in] (+)= dy · W and dW[out,in] += dyᵀ · x. */
static void linear_back(const float *dy, const float *x, const float *w, float *dx, bool add,
                        float *dw, size_t in, size_t out)
{
    multiply(NET_T, in, out, rows(dy, out), rows(w, in), rows(dx, in), add);
    multiply(out, in, NET_T, columns(dy, out), rows(x, in), rows(dw, in), true);
}

static void norm(float (*x)[NET_H], const float *weight, float (*h)[NET_H], float *r)
{
    for (size_t t = 0; t < NET_T; t++) {
        float sum = 0;
        for (size_t i = 0; i < NET_H; i++)
            sum += x[t][i] * x[t][i];
        r[t] = 1.0f / math_sqrt(sum / NET_H + NET_EPSILON);
        for (size_t i = 0; i < NET_H; i++)
            h[t][i] = x[t][i] * r[t] * weight[i];
    }
}

/* h = w x r:  dw = Σ dh x r;  dx += r (w dh) − x r³ (Σ w dh x) / H */
static void norm_back(float (*dh)[NET_H], float (*x)[NET_H], const float *weight, const float *r,
                      float (*dx)[NET_H], float *dweight)
{
    for (size_t t = 0; t < NET_T; t++) {
        float dot = 0;
        for (size_t i = 0; i < NET_H; i++) {
            dweight[i] += dh[t][i] * x[t][i] * r[t];
            dot += weight[i] * dh[t][i] * x[t][i];
        }
        float back = r[t] * r[t] * r[t] * dot / NET_H;
        for (size_t i = 0; i < NET_H; i++)
            dx[t][i] += r[t] * weight[i] * dh[t][i] - x[t][i] * back;
    }
}

/* Rotates adjacent pairs by the position's angles; sign −1 turns back (its own gradient). */
static void rotate(const struct net *n, float (*x)[NET_H], float sign)
{
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_H; i += 2) {
            float c = n->cosine[t][i % NET_D / 2], s = sign * n->sine[t][i % NET_D / 2];
            float a = x[t][i], b = x[t][i + 1];
            x[t][i] = a * c - b * s;
            x[t][i + 1] = a * s + b * c;
        }
}

static void turn_head(struct net *n, float (*x)[NET_H], size_t head)
{
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_D; i++)
            n->turned[i][t] = x[t][head * NET_D + i];
}

static void softmax_row(float *p, size_t last)
{
    float top = p[0], sum = 0;
    for (size_t i = 1; i <= last; i++)
        top = p[i] > top ? p[i] : top;
    for (size_t i = 0; i <= last; i++) {
        p[i] = math_exp(p[i] - top);
        sum += p[i];
    }
    for (size_t i = 0; i <= last; i++)
        p[i] /= sum;
    memset(p + last + 1, 0, (NET_T - last - 1) * sizeof *p);
}

static void attention(struct net *n, struct trace *l)
{
    const float scale = 1.0f / math_sqrt(NET_D);
    for (size_t head = 0; head < NET_N; head++) {
        float(*p)[NET_T] = l->p[head];
        turn_head(n, l->k, head);
        for (size_t t = 0; t < NET_T; t += BLOCK) {
            size_t past = t + BLOCK;
            multiply(BLOCK, past, NET_D, rows(&l->q[t][head * NET_D], NET_H),
                     rows(n->turned[0], NET_T), rows(p[t], NET_T), false);
            for (size_t i = t; i < past; i++) {
                for (size_t k = 0; k <= i; k++)
                    p[i][k] *= scale;
                softmax_row(p[i], i);
            }
            multiply(BLOCK, NET_D, past, rows(p[t], NET_T), rows(&l->v[0][head * NET_D], NET_H),
                     rows(&l->mix[t][head * NET_D], NET_H), false);
        }
    }
}

/* mix = P v; P = softmax(s), s = q·k scale:
 * dP = dmix · vᵀ;  dv += Pᵀ dmix;  ds = P ⊙ (dP − Σ P dP) scale;  dq = ds k;  dk = dsᵀ q */
static void attention_back(struct net *n, struct trace *l, float (*dmix)[NET_H])
{
    const float scale = 1.0f / math_sqrt(NET_D);
    memset(n->dk, 0, sizeof n->dk);
    memset(n->dv, 0, sizeof n->dv);
    for (size_t head = 0; head < NET_N; head++) {
        size_t c = head * NET_D;
        turn_head(n, l->v, head);
        for (size_t t = 0; t < NET_T; t += BLOCK) {
            size_t past = t + BLOCK;
            float(*p)[NET_T] = l->p[head];
            multiply(BLOCK, past, NET_D, rows(&dmix[t][c], NET_H), rows(n->turned[0], NET_T),
                     rows(n->ds[t], NET_T), false);
            for (size_t i = t; i < past; i++) {
                float dot = 0;
                for (size_t k = 0; k <= i; k++)
                    dot += p[i][k] * n->ds[i][k];
                for (size_t k = 0; k < past; k++)
                    n->ds[i][k] = p[i][k] * (n->ds[i][k] - dot) * scale;
            }
            multiply(past, NET_D, BLOCK, columns(p[t], NET_T), rows(&dmix[t][c], NET_H),
                     rows(&n->dv[0][c], NET_H), true);
            multiply(BLOCK, NET_D, past, rows(n->ds[t], NET_T), rows(&l->k[0][c], NET_H),
                     rows(&n->dq[t][c], NET_H), false);
            multiply(past, NET_D, BLOCK, columns(n->ds[t], NET_T), rows(&l->q[t][c], NET_H),
                     rows(&n->dk[0][c], NET_H), true);
        }
    }
}

static float sigmoid(float x)
{
    float e = math_exp(x < 0 ? x : -x);
    return x < 0 ? e / (1.0f + e) : 1.0f / (1.0f + e);
}

static void add_rows(float (*to)[NET_H], float (*from)[NET_H])
{
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_H; i++)
            to[t][i] += from[t][i];
}

static void layer_forward(struct net *n, size_t index, const float *params, const float *wt,
                          float (*out)[NET_H])
{
    struct trace *l = &n->layer[index];
    norm(l->in, params + place(index, ATTN_NORM), l->h1, l->r1);
    linear(l->h1[0], wt + place(index, WQ), l->q[0], NET_H, NET_H);
    linear(l->h1[0], wt + place(index, WK), l->k[0], NET_H, NET_H);
    linear(l->h1[0], wt + place(index, WV), l->v[0], NET_H, NET_H);
    rotate(n, l->q, 1.0f);
    rotate(n, l->k, 1.0f);
    attention(n, l);
    linear(l->mix[0], wt + place(index, WO), l->mid[0], NET_H, NET_H);
    add_rows(l->mid, l->in);
    norm(l->mid, params + place(index, FFN_NORM), l->h2, l->r2);
    linear(l->h2[0], wt + place(index, W1), l->gate[0], NET_H, NET_F);
    linear(l->h2[0], wt + place(index, W3), l->up[0], NET_H, NET_F);
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_F; i++)
            l->act[t][i] = l->gate[t][i] * sigmoid(l->gate[t][i]) * l->up[t][i];
    linear(l->act[0], wt + place(index, W2), out[0], NET_F, NET_H);
    add_rows(out, l->mid);
}

/* n->dx holds the gradient of the layer's output on the way in, of its input on the way out. */
static void layer_backward(struct net *n, size_t index, const float *params, float *grad)
{
    struct trace *l = &n->layer[index];
    /* x += W2 act;  act = g σ(g) u:  du = da g σ;  dg = da u σ (1 + g (1 − σ)) */
    linear_back(n->dx[0], l->act[0], params + place(index, W2), n->dup[0], false,
                grad + place(index, W2), NET_F, NET_H);
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_F; i++) {
            float g = l->gate[t][i], u = l->up[t][i], s = sigmoid(g), da = n->dup[t][i];
            n->dgate[t][i] = da * u * s * (1.0f + g * (1.0f - s));
            n->dup[t][i] = da * g * s;
        }
    linear_back(n->dgate[0], l->h2[0], params + place(index, W1), n->dh[0], false,
                grad + place(index, W1), NET_H, NET_F);
    linear_back(n->dup[0], l->h2[0], params + place(index, W3), n->dh[0], true,
                grad + place(index, W3), NET_H, NET_F);
    norm_back(n->dh, l->mid, params + place(index, FFN_NORM), l->r2, n->dx,
              grad + place(index, FFN_NORM));
    linear_back(n->dx[0], l->mix[0], params + place(index, WO), n->dh[0], false,
                grad + place(index, WO), NET_H, NET_H);
    attention_back(n, l, n->dh);
    rotate(n, n->dq, -1.0f);
    rotate(n, n->dk, -1.0f);
    linear_back(n->dq[0], l->h1[0], params + place(index, WQ), n->dh[0], false,
                grad + place(index, WQ), NET_H, NET_H);
    linear_back(n->dk[0], l->h1[0], params + place(index, WK), n->dh[0], true,
                grad + place(index, WK), NET_H, NET_H);
    linear_back(n->dv[0], l->h1[0], params + place(index, WV), n->dh[0], true,
                grad + place(index, WV), NET_H, NET_H);
    norm_back(n->dh, l->in, params + place(index, ATTN_NORM), l->r1, n->dx,
              grad + place(index, ATTN_NORM));
}

double net_forward(struct net *n, const float *params, const float *transposed,
                   const uint16_t *tokens)
{
    for (size_t t = 0; t < NET_T; t++)
        memcpy(n->layer[0].in[t], params + (size_t)tokens[t] * NET_H, sizeof n->layer[0].in[t]);
    for (size_t l = 0; l < NET_L; l++)
        layer_forward(n, l, params, transposed, l + 1 < NET_L ? n->layer[l + 1].in : n->out);
    norm(n->out, params + slots[1].at, n->h, n->r);
    linear(n->h[0], transposed + slots[0].at, n->logits[0], NET_H, NET_V);
    double loss = 0;
    for (size_t t = 0; t < NET_T; t++) {
        float top = n->logits[t][0];
        for (size_t i = 1; i < NET_V; i++)
            top = n->logits[t][i] > top ? n->logits[t][i] : top;
        double sum = 0;
        for (size_t i = 0; i < NET_V; i++)
            sum += (double)math_exp(n->logits[t][i] - top);
        loss += math_log(sum) + (double)top - (double)n->logits[t][tokens[t + 1]];
    }
    return loss;
}

void net_backward(struct net *n, const float *params, const uint16_t *tokens, float scale,
                  float *grad)
{
    for (size_t t = 0; t < NET_T; t++) { /* d loss / d logits = softmax − one-hot */
        float *z = n->logits[t], top = z[0], sum = 0;
        for (size_t i = 1; i < NET_V; i++)
            top = z[i] > top ? z[i] : top;
        for (size_t i = 0; i < NET_V; i++)
            sum += z[i] = math_exp(z[i] - top);
        for (size_t i = 0; i < NET_V; i++)
            z[i] *= scale / sum;
        z[tokens[t + 1]] -= scale;
    }
    linear_back(n->logits[0], n->h[0], params + slots[0].at, n->dh[0], false, grad + slots[0].at,
                NET_H, NET_V);
    memset(n->dx, 0, sizeof n->dx);
    norm_back(n->dh, n->out, params + slots[1].at, n->r, n->dx, grad + slots[1].at);
    for (size_t l = NET_L; l-- > 0;)
        layer_backward(n, l, params, grad);
    for (size_t t = 0; t < NET_T; t++)
        for (size_t i = 0; i < NET_H; i++)
            grad[(size_t)tokens[t] * NET_H + i] += n->dx[t][i];
}
