#!/usr/bin/env python3
"""Phones of recordings, for measuring speech units: what espeak-ng says the transcript sounds like, aligned to the sound.

    align_phones.py OUT NAME.f32... (mono float32 little-endian at 16 kHz, a NAME.txt beside each)

Writes a line a recording: its name and, for every 40 ms, the phone spoken there. A monophone hidden Markov model, three states a phone,
a Gaussian a state over 13 cepstra and their slopes, flat start, 25 rounds of Viterbi training; silence may stand between words. Needs
espeak-ng (GPL, used as a tool and only here) and numpy.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

HOP, WINDOW, FFT, BANDS, LOW = 160, 640, 1024, 80, 60
STATES, ROUNDS, UNIT = 3, 25, 4
SILENCE = "SIL"


def mel(frequency):
    return 2595 * np.log10(1 + frequency / 700)


def triangles():
    edges = 700 * (10 ** (mel(8000) * np.arange(BANDS + 2) / (BANDS + 1) / 2595) - 1)
    bins = np.arange(FFT // 2 + 1) * 16000 / FFT
    rows = [np.maximum(0, np.minimum((bins - a) / (b - a), (c - bins) / (c - b))) for a, b, c in zip(edges, edges[1:], edges[2:])]
    return np.array([row / row.sum() for row in rows])


TRIANGLES = triangles()
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
COSINES = np.sqrt(2 / LOW) * np.cos(np.pi * np.arange(13)[:, None] * (np.arange(LOW) + 0.5) / LOW)


def features(samples):
    count = -(-len(samples) // (UNIT * HOP)) * UNIT
    padded = np.zeros(count * HOP + 2 * WINDOW)
    start = WINDOW // 2 - HOP // 2
    padded[start:start + len(samples)] = samples
    frames = padded[np.arange(count)[:, None] * HOP + np.arange(WINDOW)] * HANN
    logs = np.log(np.maximum(np.abs(np.fft.rfft(frames, FFT)) @ TRIANGLES.T, 1e-3))
    cepstra = logs[:, :LOW] @ COSINES.T
    around = np.pad(cepstra, ((3, 3), (0, 0)), "edge")
    slopes = sum(k * (around[3 + k:3 + k + count] - around[3 - k:3 - k + count]) for k in (1, 2, 3)) / 28
    return np.hstack([cepstra, slopes])


def phones(text):
    """(phone, optional) of a transcript; optional silence around every word."""
    spoken = subprocess.run(["espeak-ng", "-q", "-x", "--sep=_", "-v", "en-us", text], capture_output=True, text=True, check=True).stdout
    chain = [(SILENCE, True)]
    for word in spoken.split():
        for symbol in word.split("_"):
            phone = re.sub(r"['`,%=|!*:;\-]+", "", symbol)
            phone = {"I2": "I", "@2": "@", "@5": "@", "a#": "@", "I#": "I", "aa": "a", "0#": "0"}.get(phone, phone)
            if phone:
                chain.append((phone, False))
        chain.append((SILENCE, True))
    return chain


def states(chain, index):
    return np.array([index[phone] * STATES + k for phone, _ in chain for k in range(STATES)])


def viterbi(x, chain, index, means, precisions, constant):
    ids = states(chain, index)
    scores = -0.5 * ((x ** 2) @ precisions.T - 2 * x @ (means * precisions).T + (means ** 2 * precisions).sum(1) - constant)[:, ids]
    frames, n = scores.shape
    skip = np.full(n, -1)
    for q in range(1, len(chain) - 1):
        if chain[q][1]:
            skip[(q + 1) * STATES] = q * STATES - 1
    best = np.full(n, -1e30)
    best[0] = scores[0, 0]
    if len(chain) > 1:
        best[STATES] = scores[0, STATES]
    back = np.zeros((frames, n), np.int32)
    own = np.arange(n)
    for t in range(1, frames):
        stay, step = best, np.concatenate([[-1e30], best[:-1]])
        jump = np.where(skip >= 0, best[skip], -1e30)
        options = np.stack([stay, step, jump])
        choice = options.argmax(0)
        best = options[choice, own] + scores[t]
        back[t] = np.where(choice == 0, own, np.where(choice == 1, own - 1, skip))
    ends = [n - 1] + ([n - STATES - 1] if len(chain) > 1 else [])
    at = max(ends, key=lambda end: best[end])
    path = np.zeros(frames, int)
    for t in range(frames - 1, -1, -1):
        path[t] = at
        at = back[t][at]
    return ids[path]


def flat_start(x, chain, index):
    ids = states([c for c in chain if not c[1]] or chain, index)
    loud = np.where(x[:, 0] > -0.5)[0]
    first, last = (loud[0], loud[-1] + 1) if len(loud) else (0, len(x))
    labels = np.full(len(x), index[SILENCE] * STATES + 1)
    labels[first:last] = ids[np.arange(last - first) * len(ids) // (last - first)]
    return labels


def main(out, files):
    xs = [features(np.fromfile(file, "<f4")) for file in files]
    everything = np.concatenate(xs)
    xs = [(x - everything.mean(0)) / everything.std(0) for x in xs]
    chains = [phones(Path(file).with_suffix(".txt").read_text("utf-8").strip()) for file in files]
    inventory = sorted({phone for chain in chains for phone, _ in chain})
    index = {phone: i for i, phone in enumerate(inventory)}
    labels = [flat_start(x, chain, index) for x, chain in zip(xs, chains)]
    for round_ in range(ROUNDS):
        everything, all_labels = np.concatenate(xs), np.concatenate(labels)
        means, variances = np.zeros((len(inventory) * STATES, 26)), np.full((len(inventory) * STATES, 26), 2.0)
        for s in np.unique(all_labels):
            own = everything[all_labels == s]
            if len(own) > 5:
                means[s], variances[s] = own.mean(0), (own.var(0) * len(own) + 10) / (len(own) + 10)
        precisions = 1 / np.maximum(variances, 0.05)
        constant = np.log(precisions).sum(1)
        labels = [viterbi(x, chain, index, means, precisions, constant)
                  if len(x) >= STATES * sum(not optional for _, optional in chain) else label
                  for x, chain, label in zip(xs, chains, labels)]
        print(f"round {round_ + 1} of {ROUNDS}", file=sys.stderr)
    with open(out, "w", encoding="utf-8") as file:
        for name, label in zip(files, labels):
            units = (label // STATES).reshape(-1, UNIT)
            spoken = [inventory[np.bincount(unit, minlength=len(inventory)).argmax()] for unit in units]
            file.write(" ".join([Path(name).stem, *spoken]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sorted(sys.argv[2:]))
