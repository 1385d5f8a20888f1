/**
 * A sample as segments of ids of the unified vocabulary, in an order drawn for it, and which documents are held out.
 */
package org.mixtureofmamba.data.document;
