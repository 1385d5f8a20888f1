/** Model configuration, the scales, the model. */
package org.mixtureofmamba.core.model;
