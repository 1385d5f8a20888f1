/** Event files that TensorBoard reads. */
package org.mixtureofmamba.train.tensorboard;
