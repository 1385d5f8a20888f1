/** FLOPs, matched loss, tables, plots, report and parity checks; knows nothing of command lines. */
package org.mixtureofmamba.eval;
