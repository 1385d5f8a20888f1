/** Sources to token shards: in parallel, within bounded memory, and from where it stopped when it is started again. */
package org.mixtureofmamba.data.prepare;
