/**
 * Documents mixed by weight, shuffled over the whole corpus and packed into batches; every batch a function of seed and
 * step.
 */
package org.mixtureofmamba.data.loader;
