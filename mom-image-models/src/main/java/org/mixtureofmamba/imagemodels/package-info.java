/**
 * Convolutional models of images on Deeplearning4j: a vector quantizer and a KL autoencoder, their training, and those
 * that ship trained.
 */
package org.mixtureofmamba.imagemodels;
