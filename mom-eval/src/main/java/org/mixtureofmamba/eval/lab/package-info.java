/** The laboratory: experiments of many runs, planned, costed, trained and read together. */
package org.mixtureofmamba.eval.lab;
