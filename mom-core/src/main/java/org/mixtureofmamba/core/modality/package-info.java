/** The modalities of tokens and the layout that sorts a batch by them. */
package org.mixtureofmamba.core.modality;
