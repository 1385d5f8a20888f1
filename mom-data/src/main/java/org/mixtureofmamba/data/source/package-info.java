/**
 * Where raw samples come from: archives, text files, the demo corpus. A bad record is a sample too, one that says why.
 */
package org.mixtureofmamba.data.source;
