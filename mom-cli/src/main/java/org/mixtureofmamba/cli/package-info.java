/** The picocli commands, progress and launcher; holds no arithmetic. */
package org.mixtureofmamba.cli;
