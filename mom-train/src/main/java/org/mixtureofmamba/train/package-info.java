/** Configuration, trainer, optimizer schedule, run directory and checkpoints; knows nothing of the paper's tables. */
package org.mixtureofmamba.train;
