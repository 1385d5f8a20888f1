/** The coarse operations a model is made of, each forward beside its backward, and the memory they work in. */
package org.mixtureofmamba.core.backend;
