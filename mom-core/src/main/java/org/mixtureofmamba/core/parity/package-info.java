/** How far a computed tensor is from the one it should be. */
package org.mixtureofmamba.core.parity;
