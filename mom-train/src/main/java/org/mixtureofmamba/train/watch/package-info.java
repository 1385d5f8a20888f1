/** A local page that follows runs as they go. It reads run directories and writes nothing. */
package org.mixtureofmamba.train.watch;
