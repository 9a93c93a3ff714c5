"""Maskomaly and the other scores as printed: loops over queries and pairs, float64, no torch.

Nothing here is shared with maskomaly. Masks of the whole network input are held at once.
"""

from __future__ import annotations

from math import ceil, floor, log

import numpy as np


def bilinear(maps, height, width):
    """Of (K, h, w) to (K, height, width); pixel centres at half integers, edges repeated."""
    h, w = maps.shape[1:]
    out = np.empty((len(maps), height, width))
    for y in range(height):
        at_y = max((y + 0.5) * h / height - 0.5, 0.0)
        y0 = floor(at_y)
        y1, fy = min(y0 + 1, h - 1), at_y - y0
        for x in range(width):
            at_x = max((x + 0.5) * w / width - 0.5, 0.0)
            x0 = floor(at_x)
            x1, fx = min(x0 + 1, w - 1), at_x - x0
            top = (1 - fx) * maps[:, y0, x0] + fx * maps[:, y0, x1]
            bottom = (1 - fx) * maps[:, y1, x0] + fx * maps[:, y1, x1]
            out[:, y, x] = (1 - fy) * top + fy * bottom
    return out


def area(score, height, width):
    """Of (h, w) to (height, width): what lies under each new pixel, weighted by how much of it."""
    h, w = score.shape
    out = np.empty((height, width))
    for y in range(height):
        top, bottom = y * h / height, (y + 1) * h / height
        for x in range(width):
            left, right = x * w / width, (x + 1) * w / width
            total = weights = 0.0
            for i in range(floor(top), min(ceil(bottom), h)):
                for j in range(floor(left), min(ceil(right), w)):
                    tall = min(bottom, i + 1) - max(top, i)
                    wide = min(right, j + 1) - max(left, j)
                    if tall > 0 and wide > 0:
                        total += tall * wide * score[i, j]
                        weights += tall * wide
            out[y, x] = total / weights
    return out


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def at_input(outputs):
    """p (N, C + 1) and masks (N, H, W) of the padded input, float64."""
    p = outputs.class_probabilities.double().numpy()
    logits = outputs.mask_logits.double().numpy()
    return p, sigmoid(bilinear(logits, *outputs.geometry.padded))


def at_image(score, geometry):
    height, width = geometry.content
    return area(score[:height, :width], *geometry.image)


def combine(p, m, config):
    """Algorithm 1 on masks (N, H, W), pair by pair; and what of it the release does otherwise."""
    queries, void = len(p), p.shape[1] - 1
    known = [n for n in range(queries) if p[n].argmax() != void]
    if config.mask_comparison == ">=":
        inliers = [n for n in known if p[n, :void].max() >= config.t_mask]
    else:
        inliers = [n for n in known if p[n, :void].max() > config.t_mask]
    if config.init:
        inliers = sorted(set(inliers) | set(config.init_queries))

    reject = np.ones(m.shape[1:])
    for n in inliers:
        fixed = config.init and n in config.init_queries
        weight = p[n].max() if fixed and config.init_probability == "max" else p[n, :void].max()
        reject = np.minimum(reject, 1 - m[n] * weight)
    if config.border:
        meeting = inliers if config.border_queries == "inliers" else known
        for i in meeting:
            for j in meeting:
                if i != j:
                    both = (m[i] > config.t_border) & (m[j] > config.t_border)
                    reject[both] = np.minimum(reject[both], config.eps_border)
    accept = np.zeros(m.shape[1:])
    for n in config.anomaly_queries:
        weight = p[n, void] if config.accept_probability == "void" else p[n].max()
        accept = np.maximum(accept, m[n] * weight)

    if not config.accept:
        return reject
    if not config.reject:
        return accept
    return config.lam * reject + (1 - config.lam) * accept


def maskomaly(outputs, config):
    """(scores, undecided) of the image: undecided pixels depend on a mask within 1e-6 of T_b."""
    geometry = outputs.geometry
    p, m = at_input(outputs)
    if config.resolution == "mask":
        m = sigmoid(outputs.mask_logits.double().numpy())
    score = combine(p, m, config)
    close = (np.abs(m - config.t_border) < 1e-6).any(0).astype(float)
    if config.resolution == "mask":
        score, close = bilinear(np.stack([score, close]), *geometry.padded)
    if config.padding == "kept":
        return area(score, *geometry.image), area(close, *geometry.image) > 0
    return at_image(score, geometry), at_image(close, geometry) > 0


def class_scores(p, m):
    """sem[l] = sum over n of p_n[l] m_n, (C, H, W)."""
    sem = np.zeros((p.shape[1] - 1, *m.shape[1:]))
    for n in range(len(p)):
        for l in range(len(sem)):
            sem[l] += p[n, l] * m[n]
    return sem


def softmax(sem):
    powers = np.exp(sem - sem.max(0))
    return powers / powers.sum(0)


def msp(sem):
    return 1 - softmax(sem).max(0)


def msp_normalised(sem):
    return 1 - (sem / sem.sum(0)).max(0)


def max_logit(sem):
    return -sem.max(0)


def entropy(sem):
    q = softmax(sem)
    total = np.zeros(sem.shape[1:])
    for share in q:
        total -= share * np.log(share)
    return total / log(len(sem))


def energy(sem):
    return -np.log(np.exp(sem).sum(0))


def rba(sem):
    return -np.tanh(sem).sum(0)


def eam(p, m):
    total = np.zeros(m.shape[1:])
    for n in range(len(p)):
        total -= m[n] * p[n, :-1].max()
    return total


def void(p, m):
    """p_n[void] of the query with the largest mask; where two are equal, of the first."""
    out = np.empty(m.shape[1:])
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            best = 0
            for n in range(len(p)):
                if m[n, y, x] > m[best, y, x]:
                    best = n
            out[y, x] = p[best, -1]
    return out


def mask_sum(p, m):
    total = np.ones(m.shape[1:])
    for n in range(len(p)):
        total -= m[n]
    return total


def unknown(p, m):
    total = np.zeros(m.shape[1:])
    for n in range(len(p)):
        total += m[n] * p[n, -2]
    return total


def uno(p, m):
    total = np.zeros(m.shape[1:])
    for n in range(len(p)):
        total += m[n] * (p[n, -2] - p[n, :-2].max())
    return total
