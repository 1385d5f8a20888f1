/** What a prepared corpus holds: counts, lengths, and documents turned back into text, images and sound. */
package org.mixtureofmamba.data.inspect;
