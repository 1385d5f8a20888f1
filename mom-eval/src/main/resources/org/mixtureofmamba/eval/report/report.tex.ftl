% ${page.title}. ${page.lead}
% Needs \usepackage{booktabs} and \usepackage{textcomp}.
<#list page.sections as section>
<#list section.tables as table>

% ${section.heading}
\begin{table}
  \centering
  \caption{${table.caption}}
  \label{tab:${table.id?no_esc}}
  \begin{tabular}{l<#list table.head[1..] as head>r</#list>}
    \toprule
    <#list table.head as head>${head}<#sep> & </#list> \\
    \midrule
    <#list table.rows as row>
    <#list row as cell>${cell.line()}<#sep> & </#list> \\
    </#list>
    \bottomrule
  \end{tabular}
\end{table}
<#list section.warnings + section.notes as note>
% ${note}
</#list>
</#list>
</#list>
