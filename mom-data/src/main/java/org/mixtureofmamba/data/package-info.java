/** Sources, interleaving, packing and resumable loading; knows nothing of models. */
package org.mixtureofmamba.data;
