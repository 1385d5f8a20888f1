/** Where two loss curves match, and how sure that is: arrays of numbers in and out; knows nothing of runs and files. */
package org.mixtureofmamba.eval.statistics;
