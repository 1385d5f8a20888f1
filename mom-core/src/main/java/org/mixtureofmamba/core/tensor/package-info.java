/** Storage, shapes and views; no arithmetic. */
package org.mixtureofmamba.core.tensor;
